using System.Runtime.CompilerServices;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// A corpus that needs no download: the English API documentation which the .NET SDK ships as XML next to its reference assemblies.
/// One document per type; its origin is the type's full name, its source the first two or three segments of its namespace.
/// </summary>
public sealed class DemoCorpus : IDocumentSource
{
    private static readonly string[] Packs = ["Microsoft.NETCore.App.Ref", "Microsoft.AspNetCore.App.Ref"];

    private readonly string _root;
    private readonly IReadOnlyList<string> _files;

    private DemoCorpus(string root, IReadOnlyList<string> files)
    {
        _root = root;
        _files = files;
    }

    /// <inheritdoc/>
    public string Description => $"the .NET SDK's API documentation in {_root} ({_files.Count} files)";

    /// <inheritdoc/>
    public string? Remark { get; private init; }

    /// <summary>Finds the documentation of the newest SDK installed beside the running runtime (or in DOTNET_ROOT).</summary>
    /// <param name="remark">The source's <see cref="Remark"/>.</param>
    /// <exception cref="DiPaCoException">Only a runtime is installed, without the SDK's reference packs.</exception>
    public static DemoCorpus Open(string? remark = null) => Open(DotnetRoots(), remark);

    /// <summary>Finds the documentation below the first of these folders that has it.</summary>
    /// <param name="dotnetRoots">Folders as of a .NET installation, with <c>packs/</c> inside.</param>
    /// <param name="remark">The source's <see cref="Remark"/>.</param>
    /// <exception cref="DiPaCoException">None of them has reference packs with documentation.</exception>
    public static DemoCorpus Open(IReadOnlyList<string> dotnetRoots, string? remark = null)
    {
        foreach (string root in dotnetRoots)
        {
            List<string> files = Find(root);
            if (files.Count > 0)
            {
                return new DemoCorpus(root, files) { Remark = remark };
            }
        }

        throw new DiPaCoException(
            $"The demo trains on the API documentation of the .NET SDK, and there is none in {string.Join(", ", dotnetRoots.Select(root => Path.Combine(root, "packs")))}. " +
            "Install the .NET SDK (the runtime alone does not have it), set DOTNET_ROOT to where it is, or train on your own text with --data FOLDER.");
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Document> ReadAsync(CorpusReport report, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Both packs repeat some assemblies: a type counts where it is met first.
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string file in _files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            report.FileBegun();
            byte[] xml = await File.ReadAllBytesAsync(file, cancellationToken);
            foreach (Document document in ApiDocumentation.Read(xml, Path.GetFileName(file)))
            {
                if (seen.Add(document.Origin))
                {
                    report.Read(document);
                    yield return document;
                }
            }
        }
    }

    private static List<string> DotnetRoots()
    {
        var roots = new List<string>();
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } given)
        {
            roots.Add(given);
        }

        // <root>/shared/Microsoft.NETCore.App/<version>/ is where the running runtime lives.
        string runtime = System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory();
        if (Path.GetFullPath(Path.Combine(runtime, "..", "..", "..")) is { Length: > 0 } root && !roots.Contains(root))
        {
            roots.Add(root.TrimEnd(Path.DirectorySeparatorChar));
        }

        return roots;
    }

    private static List<string> Find(string root)
    {
        var files = new List<string>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (string pack in Packs)
        {
            string folder = Path.Combine(root, "packs", pack);
            string? reference = Directory.Exists(folder) ? Newest(folder, "*") is { } version ? Newest(Path.Combine(version, "ref"), "net*") : null : null;
            if (reference is not null)
            {
                files.AddRange(Directory.GetFiles(reference, "*.xml").Order(StringComparer.Ordinal).Where(file => names.Add(Path.GetFileName(file))));
            }
        }

        return files;
    }

    private static string? Newest(string folder, string pattern) => !Directory.Exists(folder) ? null : Directory
        .GetDirectories(folder, pattern)
        .Select(path => (path, version: Version.TryParse(Path.GetFileName(path).Replace("net", "", StringComparison.Ordinal).Split('-')[0], out Version? version) ? version : null))
        .Where(candidate => candidate.version is not null)
        .OrderByDescending(candidate => candidate.version)
        .ThenByDescending(candidate => candidate.path, StringComparer.Ordinal)
        .Select(candidate => candidate.path)
        .FirstOrDefault();
}
