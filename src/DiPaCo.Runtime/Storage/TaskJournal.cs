using DiPaCo.Runtime.Recipe;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// A run's memory in a file of its folder. Lines are only ever appended, and a task counts once its line is on the disk. Its only writer is
/// whoever holds the run's lock.
/// </summary>
public sealed class TaskJournal : ChainedJournal
{
    private readonly string _path;
    private readonly SafeFileHandle? _handle;
    private readonly IStorageSteps _steps;
    private long _bytes;

    private TaskJournal(string path, JournalContents contents, SafeFileHandle? handle, IStorageSteps steps)
        : base(path, contents)
    {
        _path = path;
        _handle = handle;
        _steps = steps;
        _bytes = contents.Bytes;
        TornBytes = contents.TornBytes;
    }

    /// <summary>
    /// The length of an unfinished last line that opening found: a process was killed while appending, and the task will
    /// be done again. Zero if there was none.
    /// </summary>
    public long TornBytes { get; }

    /// <summary>
    /// Opens a run's journal for appending, creates it in a run that has none yet, and cuts off an unfinished last line.
    /// </summary>
    /// <exception cref="StorageException">The journal is damaged, lost or of another version, or cannot be written to.</exception>
    public static TaskJournal OpenForWriting(RunLock runLock, IStorageSteps? steps = null)
    {
        steps ??= SilentStorageSteps.Instance;
        string path = new RunPaths(runLock.Folder).Journal;
        if (!File.Exists(path))
        {
            ThrowIfLost(runLock.Folder);
            DurableFile.WriteAllBytes(path, JournalLine.FormatHeader(out _), steps);
        }

        JournalContents contents = JournalContents.Read(path);
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
            if (contents.TornBytes > 0)
            {
                RandomAccess.SetLength(handle, contents.Bytes);
                RandomAccess.FlushToDisk(handle);
                steps.Reached(StorageStep.TailCut, path);
            }

            var journal = new TaskJournal(path, contents, handle, steps);
            handle = null;
            return journal;
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "write", path);
        }
        finally
        {
            handle?.Dispose();
        }
    }

    /// <summary>
    /// What in a run's folder says that its journal was lost; null where there is one, or never was. A run writes its journal before
    /// anything else but what names it, so whatever else is there was made by tasks that nothing remembers any more.
    /// </summary>
    public static string? SignOfLoss(string runFolder)
    {
        RunPaths paths = new(runFolder);
        if (File.Exists(paths.Journal))
        {
            return null;
        }

        string[] made = [paths.Metrics, Path.Combine(runFolder, ResultsFile.FileName), Path.Combine(runFolder, ModelFile.FileName)];
        string? sign = Array.Find(made, File.Exists) is { } file ? Path.GetFileName(file)
            : FolderBlobStore.HoldsBlobs(paths.Blobs) ? "blobs" : null;

        // A process that begins the run may have written the journal, and what follows it, since the first look.
        return File.Exists(paths.Journal) ? null : sign;
    }

    /// <summary>Reads a run's journal as it is now, also while another process appends to it.</summary>
    /// <exception cref="StorageException">The journal is damaged, of another version, or not there.</exception>
    public static TaskJournal OpenForReading(string runFolder)
    {
        string path = new RunPaths(runFolder).Journal;
        return new TaskJournal(path, JournalContents.Read(path), handle: null, SilentStorageSteps.Instance);
    }

    /// <summary>The finished tasks of a run as of now; none for a run that was ended before it had a journal.</summary>
    /// <exception cref="StorageException">The journal is damaged or of another version.</exception>
    public static IReadOnlyList<JournalEntry> ReadEntries(string runFolder)
    {
        string path = new RunPaths(runFolder).Journal;
        return File.Exists(path) ? JournalContents.Read(path).Entries : [];
    }

    /// <inheritdoc/>
    protected override Task KeepAsync(ReadOnlyMemory<byte> line, JournalEntry entry, CancellationToken cancellationToken) => _handle is null
        ? throw new InvalidOperationException("The journal was opened for reading.")
        : Task.Run(() => Append(_handle, line.Span), CancellationToken.None);

    /// <inheritdoc/>
    protected override void Kept() => _steps.Reached(StorageStep.JournalFlushed, _path);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _handle?.Dispose();
        base.Dispose(disposing);
    }

    private void Append(SafeFileHandle handle, ReadOnlySpan<byte> line)
    {
        try
        {
            // What a failed append has left behind goes first; usually there is nothing.
            if (RandomAccess.GetLength(handle) != _bytes)
            {
                RandomAccess.SetLength(handle, _bytes);
            }

            RandomAccess.Write(handle, line, _bytes);
            _steps.Reached(StorageStep.JournalAppended, _path);
            RandomAccess.FlushToDisk(handle);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "write", _path);
        }

        _bytes += line.Length;
    }

    /// <summary>With an empty journal a run would begin anew, and its first act would be to delete every blob.</summary>
    private static void ThrowIfLost(string folder)
    {
        if (SignOfLoss(folder) is { } sign)
        {
            string path = new RunPaths(folder).Journal;
            throw new StorageException(
                path, $"'{path}' is missing, although the run has come further than that ('{sign}' is there): which tasks are done is recorded nowhere else, so the run cannot be continued. Restore the file from a copy of the run, or train into another folder (--run).");
        }
    }
}
