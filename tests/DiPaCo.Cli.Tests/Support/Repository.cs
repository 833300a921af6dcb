namespace DiPaCo.Cli.Tests.Support;

/// <summary>Finds files of the repository from wherever the tests run.</summary>
internal static class Repository
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    /// <summary>The text of a file, by its path below the root.</summary>
    public static string Read(string name) => File.ReadAllText(Path.Combine(Root, name));

    private static string Find(string folder) => File.Exists(Path.Combine(folder, "DiPaCo.slnx"))
        ? folder
        : Find(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside of the repository."));
}
