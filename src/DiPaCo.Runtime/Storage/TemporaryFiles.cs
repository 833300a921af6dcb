namespace DiPaCo.Runtime.Storage;

/// <summary>
/// Names of files that are not finished. A live writer holds a lock on its file, so the leftover of a killed process
/// is one that nobody holds.
/// </summary>
internal static class TemporaryFiles
{
    private const string Prefix = "dipaco-";
    private const string Suffix = ".tmp";
    private const int NonceLength = 32;

    public static string NewPath(string folder) => Path.Combine(folder, $"{Prefix}{Guid.NewGuid():N}{Suffix}");

    public static bool IsTemporary(string fileName) =>
        fileName.Length == Prefix.Length + NonceLength + Suffix.Length
        && fileName.StartsWith(Prefix, StringComparison.Ordinal)
        && fileName.EndsWith(Suffix, StringComparison.Ordinal);

    /// <summary>Deletes the leftovers directly in a folder; returns how many there were.</summary>
    public static int RemoveLeftovers(string folder, IStorageSteps steps)
    {
        if (!Directory.Exists(folder))
        {
            return 0;
        }

        int removed = 0;
        foreach (string file in Directory.EnumerateFiles(folder, $"{Prefix}*{Suffix}"))
        {
            if (IsTemporary(Path.GetFileName(file)) && TryRemove(file))
            {
                removed++;
                steps.Reached(StorageStep.LeftoverDeleted, file);
            }
        }

        return removed;
    }

    private static bool TryRemove(string file)
    {
        try
        {
            // Refused while the writer lives: it holds the file open.
            using (File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            {
            }

            File.Delete(file);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
