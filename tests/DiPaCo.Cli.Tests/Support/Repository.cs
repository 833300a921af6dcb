using DiPaCo.Tests;

namespace DiPaCo.Cli.Tests.Support;

/// <summary>Finds files of the repository from wherever the tests run.</summary>
internal static class Repository
{
    public static string Root => RepositoryRoot.Folder;

    /// <summary>The text of a file, by its path below the root.</summary>
    public static string Read(string name) => File.ReadAllText(Path.Combine(Root, name));
}
