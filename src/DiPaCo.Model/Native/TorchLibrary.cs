using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using DiPaCo.Core;

namespace DiPaCo.Model.Native;

/// <summary>
/// Loads libtorch and TorchSharp's native library. Call <see cref="Initialize"/> before anything else of TorchSharp is
/// touched, once in every program and test assembly.
/// </summary>
/// <remarks>
/// TorchSharp looks for its library beside its own assembly. No build output of ours holds a copy, so the libraries are
/// loaded by absolute path first; then TorchSharp's requests by name, from its P/Invoke declarations and from its own
/// loading code, are answered with what is already loaded.
/// <para>The state is static because the thing it guards is: a process loads a native library once.</para>
/// </remarks>
public static class TorchLibrary
{
    private static readonly Lock Gate = new();
    private static TorchLocation? _loaded;

    /// <summary>Loads the native libraries; later calls return what the first one loaded.</summary>
    /// <exception cref="DiPaCoException">They are missing, of another version, or cannot be loaded on this machine.</exception>
    public static TorchLocation Initialize()
    {
        lock (Gate)
        {
            return _loaded ??= Load(Locator().Find());
        }
    }

    /// <summary>The version of libtorch that this build was made for; none of another series is loaded.</summary>
    public static string Version { get; } =
        BuildProperty("LibTorchVersion") ?? throw new InvalidOperationException("The build did not state LibTorchVersion.");

    private static TorchLocator Locator() => new()
    {
        FromEnvironment = Environment.GetEnvironmentVariable(TorchLocator.Variable),
        ProgramFolder = AppContext.BaseDirectory,
        BuildFolder = BuildProperty("TorchNativeFolder"),
        Version = Version,
    };

    private static string? BuildProperty(string key) => typeof(TorchLibrary).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == key)?.Value;

    private static TorchLocation Load(TorchLocation location)
    {
        if (OperatingSystem.IsWindows())
        {
            // cuDNN loads further parts of itself by bare name.
            Environment.SetEnvironmentVariable("PATH", $"{location.LibTorchFolder};{Environment.GetEnvironmentVariable("PATH")}");
        }

        NativeSettings.Apply();
        Dictionary<string, nint> loaded = new(StringComparer.Ordinal);
        foreach (string file in NativeFiles.InLoadOrder)
        {
            string path = Path.Combine(location.LibTorchFolder, file);
            if (File.Exists(path))
            {
                loaded[file] = NativeLoader.Load(path);
            }
        }

        loaded[NativeFiles.Bridge] = NativeLoader.Load(Path.Combine(location.BridgeFolder, NativeFiles.Bridge));

        Assembly torchSharp = typeof(TorchSharp.torch).Assembly;
        NativeLibrary.SetDllImportResolver(torchSharp, (name, _, _) => Resolve(name));
        AssemblyLoadContext context = AssemblyLoadContext.GetLoadContext(torchSharp) ?? AssemblyLoadContext.Default;
        context.ResolvingUnmanagedDll += (_, name) => Resolve(name);
        return location;

        nint Resolve(string name) =>
            loaded.TryGetValue(name, out nint handle) || loaded.TryGetValue(NativeFiles.FileName(name), out handle) ? handle : 0;
    }
}
