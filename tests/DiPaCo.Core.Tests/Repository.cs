using DiPaCo.Tests;

namespace DiPaCo.Core.Tests;

/// <summary>Finds files of the repository from wherever the tests run.</summary>
internal static class Repository
{
    public static string Root => RepositoryRoot.Folder;

    public static IEnumerable<string> Examples => Directory.EnumerateFiles(Path.Combine(Root, "examples"), "*.yaml").Order(StringComparer.Ordinal);

    public static string Example(string name) => Path.Combine(Root, "examples", name);
}
