using Xunit;

namespace DiPaCo.Data.Tests;

/// <summary>The shared corpora, where the machine has them.</summary>
public static class SharedData
{
    public static string Mix => Folder("mix");

    public static string C4 => Folder("c4");

    private static string Folder(string name)
    {
        string? root = Environment.GetEnvironmentVariable("DIPACO_TEST_DATA");
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); root is null && at is not null; at = at.Parent)
        {
            string candidate = Path.Combine(at.FullName, "shared", "data");
            root = Directory.Exists(candidate) ? candidate : null;
        }

        string folder = Path.Combine(root ?? "", name);
        Assert.SkipUnless(root is not null && Directory.Exists(folder), $"No shared/data/{name} beside the repository and none in DIPACO_TEST_DATA.");
        return folder;
    }
}
