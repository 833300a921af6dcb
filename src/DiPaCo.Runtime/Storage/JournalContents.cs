namespace DiPaCo.Runtime.Storage;

/// <summary>A journal file, read and checked.</summary>
/// <param name="Entries">The finished tasks in the order in which they finished.</param>
/// <param name="Bytes">The length of the lines that count.</param>
/// <param name="TornBytes">What follows them: the beginning of a line that was never finished.</param>
/// <param name="Checksum">The checksum of the last line.</param>
internal sealed record JournalContents(IReadOnlyList<JournalEntry> Entries, long Bytes, long TornBytes, string Checksum)
{
    // What one array holds. The paper's largest run (16×16, 88,000 steps in phases of 150) has about a million lines of some hundred
    // bytes, a quarter of it.
    private static readonly long LargestFile = Array.MaxLength;

    /// <summary>Reads a journal that another process may be appending to.</summary>
    /// <exception cref="StorageException">Anything is wrong but an unfinished last line.</exception>
    public static JournalContents Read(string path) => Read(path, ReadFile(path));

    /// <summary>Reads a journal's bytes.</summary>
    /// <param name="path">Where they are from, for messages.</param>
    /// <param name="rest">The bytes.</param>
    /// <exception cref="StorageException">Anything is wrong but an unfinished last line.</exception>
    public static JournalContents Read(string path, ReadOnlySpan<byte> rest)
    {
        long length = rest.Length;
        List<JournalEntry> entries = [];
        HashSet<string> keys = new(StringComparer.Ordinal);
        string checksum = string.Empty;
        for (int number = 1; rest.IndexOf((byte)'\n') is int end and >= 0; number++)
        {
            ReadOnlySpan<byte> line = rest[..end];
            if (number == 1)
            {
                CheckVersion(path, line);
            }

            if (!JournalLine.TryOpen(line, checksum, out string? next))
            {
                if (number > 1 && end == rest.Length - 1 && line.Contains((byte)0))
                {
                    // A power failure can leave the last line's length on the disk without all its bytes.
                    break;
                }

                throw Refuse(path, number, "does not match its checksum: it, or a line before it, was changed or is missing");
            }

            checksum = next;
            if (number > 1)
            {
                JournalEntry entry = JournalLine.Parse(line) ?? throw Refuse(path, number, "is not a journal entry");
                entries.Add(keys.Add(entry.Key) ? entry : throw Refuse(path, number, $"repeats the task '{entry.Key}'"));
            }

            rest = rest[(end + 1)..];
        }

        return checksum.Length > 0
            ? new JournalContents(entries, length - rest.Length, rest.Length, checksum)
            : throw Refuse(path, 1, "is not complete");
    }

    private static void CheckVersion(string path, ReadOnlySpan<byte> line)
    {
        int version = JournalLine.ParseHeader(line) ?? throw Refuse(path, 1, "is not the first line of a journal");
        if (version != JournalLine.FormatVersion)
        {
            throw new StorageException(
                path, $"'{path}' has format version {version}; this dipaco reads version {JournalLine.FormatVersion}. Use the version of dipaco that wrote it.");
        }
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (stream.Length > LargestFile)
            {
                throw new StorageException(path, $"'{path}' has {stream.Length} bytes; a journal has at most {LargestFile}. Restore it from a copy of the run.");
            }

            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "read", path);
        }
    }

    private static StorageException Refuse(string path, int line, string what) =>
        new(path, $"{path}({line}): the line {what}. The run cannot be continued from here: restore the file from a copy of the run, or train into another folder (--run).");
}
