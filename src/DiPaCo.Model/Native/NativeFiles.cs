namespace DiPaCo.Model.Native;

/// <summary>What the native libraries are called on this system, and in which order they must be loaded.</summary>
internal static class NativeFiles
{
    /// <summary>The library of TorchSharp between C# and libtorch, as its P/Invoke declarations name it.</summary>
    public const string BridgeName = "LibTorchSharp";

    /// <summary>The file that shows a folder to contain libtorch.</summary>
    public static string Core { get; } = FileName("torch_cpu");

    /// <summary>The file of <see cref="BridgeName"/>.</summary>
    public static string Bridge { get; } = FileName(BridgeName);

    /// <summary>
    /// libtorch's libraries, each after those that it needs. The CUDA ones are there in a CUDA build only: they register
    /// themselves when loaded, and nothing else would load them.
    /// </summary>
    public static IReadOnlyList<string> InLoadOrder { get; } =
        [.. new[] { "c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch" }.Select(FileName)];

    /// <summary>The file name of a library on this system: <c>libx.so</c>, <c>libx.dylib</c> or <c>x.dll</c>.</summary>
    public static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{library}.dylib"
        : $"lib{library}.so";
}
