using System.Globalization;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>
/// Where the runs that a silo hosts have their files: a folder for each time that one is hosted. What is in it follows from the run's journal, so it goes with the
/// hosting; that of a killed process stays until the silo hosts a run again.
/// </summary>
/// <param name="root">The silo's folder for them.</param>
internal sealed class SessionFolders(string root)
{
    /// <summary>The folder of a session.</summary>
    public string Of(string run, long session) => Path.Combine(root, string.Create(CultureInfo.InvariantCulture, $"{run}-{session}"));

    /// <summary>Removes what earlier sessions have left. One that still runs holds its folder.</summary>
    public void RemoveBefore(long session) => Leniently(() =>
    {
        foreach (string folder in Directory.Exists(root) ? Directory.GetDirectories(root) : [])
        {
            if (SessionOf(folder) < session)
            {
                Remove(folder);
            }
        }
    });

    /// <summary>Removes a session's folder, if nothing holds it.</summary>
    public static void Remove(string folder) => Leniently(() =>
    {
        if (Directory.Exists(folder) && !RunLock.IsHeld(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    });

    /// <summary>What is there follows from the journal and is in nobody's way.</summary>
    private static void Leniently(Action remove)
    {
        try
        {
            remove();
        }
        catch (Exception exception) when (exception is StorageException || StorageErrors.IsStorage(exception))
        {
            // The next hosting tries again.
        }
    }

    /// <summary>Null: it is no session's.</summary>
    private static long? SessionOf(string folder)
    {
        string name = Path.GetFileName(folder);
        return long.TryParse(name.AsSpan(name.LastIndexOf('-') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long session) && name.Contains('-', StringComparison.Ordinal)
            ? session : null;
    }
}
