using System.Diagnostics.CodeAnalysis;
using DiPaCo.Runtime.Recipe;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// The run's memory: which tasks are finished and which blobs they made. Lines are only ever appended, and a task
/// counts once its line is on the disk. What is not here did not happen, whatever blobs there are.
/// </summary>
public sealed class TaskJournal : IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle? _handle;
    private readonly IStorageSteps _steps;
    private readonly SemaphoreSlim _appending = new(1);
    private readonly Lock _lock = new();
    private readonly List<JournalEntry> _entries;
    private readonly Dictionary<string, JournalEntry> _byKey;
    private long _bytes;
    private string _checksum;

    private TaskJournal(string path, JournalContents contents, SafeFileHandle? handle, IStorageSteps steps)
    {
        _path = path;
        _handle = handle;
        _steps = steps;
        _entries = [.. contents.Entries];
        _byKey = _entries.ToDictionary(entry => entry.Key, StringComparer.Ordinal);
        _bytes = contents.Bytes;
        _checksum = contents.Checksum;
        TornBytes = contents.TornBytes;
    }

    /// <summary>
    /// The length of an unfinished last line that opening found: a process was killed while appending, and the task will
    /// be done again. Zero if there was none.
    /// </summary>
    public long TornBytes { get; }

    /// <summary>The finished tasks in the order in which they finished, as of now.</summary>
    public IReadOnlyList<JournalEntry> Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries];
            }
        }
    }

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

    /// <summary>Finds a finished task.</summary>
    public bool TryGet(string key, [NotNullWhen(true)] out JournalEntry? entry)
    {
        lock (_lock)
        {
            return _byKey.TryGetValue(key, out entry);
        }
    }

    /// <summary>
    /// Records a finished task, whose outputs must be durable. On return the record is, too. Appending what is recorded
    /// already does nothing. Calls from several threads wait for each other.
    /// </summary>
    /// <param name="entry">The task.</param>
    /// <param name="cancellationToken">Ends the waiting; an append that has begun is completed.</param>
    /// <exception cref="StorageException">The disk is full, or the task is recorded with other inputs or outputs.</exception>
    public async Task AppendAsync(JournalEntry entry, CancellationToken cancellationToken)
    {
        if (_handle is null)
        {
            throw new InvalidOperationException("The journal was opened for reading.");
        }

        await _appending.WaitAsync(cancellationToken);
        try
        {
            if (TryGet(entry.Key, out JournalEntry? recorded))
            {
                ThrowIfContradicted(recorded, entry);
                return;
            }

            if (TryGet(ForgottenTask.KeyOf(entry.Key), out JournalEntry? forgotten))
            {
                ThrowIfContradicted(forgotten with { Key = entry.Key, Kind = entry.Kind }, entry);
            }

            await Task.Run(() => Append(_handle, entry), CancellationToken.None);
        }
        finally
        {
            _appending.Release();
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _handle?.Dispose();
        _appending.Dispose();
    }

    private void Append(SafeFileHandle handle, JournalEntry entry)
    {
        byte[] line = JournalLine.Format(entry, _checksum, out string checksum);
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
        _checksum = checksum;
        lock (_lock)
        {
            _entries.Add(entry);
            _byKey.Add(entry.Key, entry);
        }

        _steps.Reached(StorageStep.JournalFlushed, _path);
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

    private void ThrowIfContradicted(JournalEntry recorded, JournalEntry entry)
    {
        if (!recorded.AgreesWith(entry))
        {
            throw new StorageException(
                _path,
                $"The task '{entry.Key}' ({entry.Kind}) was computed again and gave other bytes than '{_path}' records. A task must give the same bytes every time: "
                + "the text that the run read, the machine, its number format settings or the version of dipaco may have changed. "
                + "Restore the text, continue on the kind of machine that the run began on, or train into another folder (--run).");
        }
    }
}
