using System.Text.RegularExpressions;
using DiPaCo.Core;

namespace DiPaCo.Model.Native;

/// <summary>
/// Decides which libtorch is loaded. In this order: the folder that <c>DIPACO_LIBTORCH</c> names, the folder
/// <c>libtorch</c> beside the program (a published one), the folder that the build filled.
/// </summary>
internal sealed partial record TorchLocator
{
    /// <summary>The environment variable that names the libtorch of an installed PyTorch.</summary>
    public const string Variable = "DIPACO_LIBTORCH";

    private const string Remedy =
        $"Build again, publish without -p:BundleLibTorch=false, or set {Variable} to the folder torch/lib of an installed PyTorch";

    /// <summary>The value of <see cref="Variable"/>; null or empty if it is not set.</summary>
    public string? FromEnvironment { get; init; }

    /// <summary>The folder of the program.</summary>
    public required string ProgramFolder { get; init; }

    /// <summary>The folder that the build filled; null if the build does not say.</summary>
    public string? BuildFolder { get; init; }

    /// <summary>The libtorch that TorchSharp was built against, such as <c>2.10.0</c>.</summary>
    public required string Version { get; init; }

    /// <summary>Finds the folders.</summary>
    /// <exception cref="DiPaCoException">No libtorch is there, or it is of another version.</exception>
    public TorchLocation Find()
    {
        string[] own = [.. new[] { Path.Combine(ProgramFolder, "libtorch"), BuildFolder }.OfType<string>()];
        string bridge = own.FirstOrDefault(folder => File.Exists(Path.Combine(folder, NativeFiles.Bridge)))
            ?? throw new DiPaCoException(
                $"{NativeFiles.Bridge} is missing; it was looked for in {string.Join(" and ", own)}. It belongs to this program: " +
                "build or publish it again.");
        if (!string.IsNullOrWhiteSpace(FromEnvironment))
        {
            return new TorchLocation(FindInstalled(Path.GetFullPath(FromEnvironment)), bridge);
        }

        string libTorch = own.FirstOrDefault(HasLibTorch)
            ?? throw new DiPaCoException($"libtorch is missing: no {NativeFiles.Core} in {string.Join(" or ", own)}. {Remedy} {Series}.x.");
        return new TorchLocation(libTorch, bridge);
    }

    private string FindInstalled(string named)
    {
        string[] candidates = [named, Path.Combine(named, "lib"), Path.Combine(named, "torch", "lib")];
        string folder = candidates.FirstOrDefault(HasLibTorch)
            ?? throw new DiPaCoException(
                $"{Variable} is '{FromEnvironment}', but there is no {NativeFiles.Core} in it, in lib or in torch/lib under it. " +
                $"Set it to the folder torch/lib of an installed PyTorch {Series}.x, which this command prints: " +
                "python -c \"import torch, os; print(os.path.join(os.path.dirname(torch.__file__), 'lib'))\". " +
                "Or remove it to use the libtorch that came with this program.");
        if (InstalledVersion(folder) is { } installed && !installed.StartsWith(Series + ".", StringComparison.Ordinal))
        {
            throw new DiPaCoException(
                $"{Variable} is '{FromEnvironment}', which is PyTorch {installed}; expected {Series}.x, against which TorchSharp was " +
                $"built. Install PyTorch {Series}, or remove {Variable} to use the libtorch that came with this program.");
        }

        return folder;
    }

    /// <summary>
    /// The version that an installation states: a Python package in <c>torch/version.py</c>, an unpacked libtorch in
    /// <c>build-version</c>. Null where neither is there; then the loader's own check of every symbol must do.
    /// </summary>
    private static string? InstalledVersion(string folder)
    {
        string parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(folder)) ?? folder;
        string python = Path.Combine(parent, "version.py");
        if (File.Exists(python) && PythonVersion().Match(File.ReadAllText(python)) is { Success: true } match)
        {
            return match.Groups[1].Value;
        }

        string plain = Path.Combine(parent, "build-version");
        return File.Exists(plain) ? File.ReadAllText(plain).Trim() : null;
    }

    private static bool HasLibTorch(string folder) => File.Exists(Path.Combine(folder, NativeFiles.Core));

    private string Series => Version[..Version.LastIndexOf('.')];

    [GeneratedRegex("""^__version__\s*(?::\s*\w+\s*)?=\s*['"]([^'"]+)['"]""", RegexOptions.Multiline)]
    private static partial Regex PythonVersion();
}
