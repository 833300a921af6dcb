namespace DiPaCo.Cluster.Tests.Support;

/// <summary>All files of a folder with their bytes, to see whether anything changed.</summary>
internal static class FolderContents
{
    public static SortedDictionary<string, string> Of(string folder)
    {
        var contents = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (Directory.Exists(folder))
        {
            foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            {
                contents[Path.GetRelativePath(folder, file)] = Convert.ToHexString(File.ReadAllBytes(file));
            }
        }

        return contents;
    }
}
