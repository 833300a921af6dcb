using System.Collections.Immutable;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// A finished task that the journal was made to forget because its blobs were lost. It is computed again when the run
/// comes to it; what it gave the first time stays on record, so that it cannot silently give something else.
/// </summary>
public static class ForgottenTask
{
    /// <summary>Kind of the entries that stand for forgotten tasks. Their outputs are not there.</summary>
    public const string Kind = "forgotten";

    /// <summary>The key under which a forgotten task is on record.</summary>
    public static string KeyOf(string taskKey) => $"{Kind} {taskKey}";

    /// <summary>Rewrites a run's journal, completely or not at all.</summary>
    /// <param name="runLock">The right to change the run.</param>
    /// <param name="forget">Keys of tasks to forget.</param>
    /// <param name="drop">Keys of entries that leave no trace.</param>
    /// <param name="steps">Is told of every write.</param>
    /// <exception cref="StorageException">The journal is damaged, or cannot be written to.</exception>
    public static void Forget(RunLock runLock, IReadOnlySet<string> forget, IReadOnlySet<string> drop, IStorageSteps? steps = null)
    {
        string path = new RunPaths(runLock.Folder).Journal;
        byte[][] lines = [.. Lines(JournalContents.Read(path).Entries, forget, drop)];
        DurableFile.WriteAllBytes(path, lines.SelectMany(line => line).ToArray(), steps);
    }

    /// <summary>The lines of the journal that is to take an old one's place, its first line included.</summary>
    /// <param name="journal">The old one.</param>
    /// <param name="forget">Keys of tasks to forget.</param>
    /// <param name="drop">Keys of entries that leave no trace.</param>
    public static IEnumerable<byte[]> Lines(IEnumerable<JournalEntry> journal, IReadOnlySet<string> forget, IReadOnlySet<string> drop)
    {
        ImmutableArray<JournalEntry> entries = [.. journal.Where(entry => !drop.Contains(entry.Key))];
        HashSet<string> known = [.. entries.Select(entry => entry.Key)];
        yield return JournalLine.FormatHeader(out string checksum);
        foreach (JournalEntry entry in entries)
        {
            if (!forget.Contains(entry.Key))
            {
                yield return JournalLine.Format(entry, checksum, out checksum);
            }
            else if (!known.Contains(KeyOf(entry.Key)))
            {
                yield return JournalLine.Format(entry with { Key = KeyOf(entry.Key), Kind = Kind }, checksum, out checksum);
            }
        }
    }
}
