namespace DiPaCo.Tests;

/// <summary>Finds the repository from wherever the tests run; compiled into the test assemblies that read its files.</summary>
internal static class RepositoryRoot
{
    public static string Folder { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string folder) => File.Exists(Path.Combine(folder, "DiPaCo.slnx"))
        ? folder
        : Find(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside of the repository."));
}
