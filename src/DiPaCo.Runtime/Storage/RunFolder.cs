namespace DiPaCo.Runtime.Storage;

/// <summary>
/// A run on the disk. Opened for writing it holds the run's lock until it is disposed; opened for reading it holds nothing
/// and changes nothing.
/// </summary>
public sealed class RunFolder : IDisposable
{
    // No configuration comes near; a larger file is not one of ours.
    private const long LargestInfo = 16 << 20;

    private readonly RunLock? _lock;

    private RunFolder(RunPaths paths, RunInfo info, RunLock? runLock)
    {
        Paths = paths;
        Info = info;
        _lock = runLock;
    }

    /// <summary>Where the parts are.</summary>
    public RunPaths Paths { get; }

    /// <summary>What the run is.</summary>
    public RunInfo Info { get; }

    /// <summary>Whether this opening began the run.</summary>
    public bool IsNew { get; private init; }

    /// <summary>The right to change the run.</summary>
    /// <exception cref="InvalidOperationException">The run was opened for reading.</exception>
    public RunLock Lock => _lock ?? throw new InvalidOperationException("The run was opened for reading.");

    /// <summary>Whether a folder holds a run.</summary>
    public static bool Exists(string folder) => File.Exists(new RunPaths(folder).Info);

    /// <summary>
    /// Begins a run in a folder that is empty or not there, or opens the run that is there, to change it. Leftovers of a
    /// killed process are removed.
    /// </summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="wanted">What the run is to be.</param>
    /// <param name="configurationText">The complete configuration as YAML, for <c>config.yaml</c>.</param>
    /// <param name="freeKeys">Configuration keys that may differ from the run's, for example <c>device</c>.</param>
    /// <param name="steps">Is told of every write.</param>
    /// <exception cref="ConfigurationChangedException">A run is there, with another configuration.</exception>
    /// <exception cref="RunLockedException">Another process is working on it.</exception>
    /// <exception cref="StorageException">The folder holds something else, or its run is damaged or of another version, or it cannot be written to.</exception>
    public static RunFolder OpenOrCreate(
        string folder, RunInfo wanted, string configurationText, IReadOnlyCollection<string> freeKeys, IStorageSteps? steps = null)
    {
        steps ??= SilentStorageSteps.Instance;
        var paths = new RunPaths(Path.GetFullPath(folder));
        ThrowIfForeign(paths);
        bool existed = Directory.Exists(paths.Folder);
        RunLock? runLock = RunLock.Acquire(paths.Folder);
        try
        {
            TemporaryFiles.RemoveLeftovers(paths.Folder, steps);
            TemporaryFiles.RemoveLeftovers(paths.Blobs, steps);
            TemporaryFiles.RemoveLeftovers(paths.Plots, steps);
            bool isNew = !File.Exists(paths.Info);
            RunInfo info = isNew ? Begin(paths, wanted, steps) : Continue(paths, wanted, freeKeys);
            if (!File.Exists(paths.Configuration))
            {
                DurableFile.WriteAllBytes(paths.Configuration, System.Text.Encoding.UTF8.GetBytes(configurationText), steps);
            }

            var run = new RunFolder(paths, info, runLock) { IsNew = isNew };
            runLock = null;
            return run;
        }
        finally
        {
            if (runLock is not null)
            {
                // Elsewhere than on Windows the files go while they are locked: a process that took the lock in between would lose it.
                if (OperatingSystem.IsWindows())
                {
                    runLock.Dispose();
                }

                RemoveUnbegun(paths, existed);
                runLock.Dispose();
            }
        }
    }

    /// <summary>A run that could not even be named, for example on a full disk, leaves nothing behind.</summary>
    private static void RemoveUnbegun(RunPaths paths, bool folderExisted)
    {
        if (File.Exists(paths.Info))
        {
            return;
        }

        try
        {
            File.Delete(paths.Holder);
            File.Delete(paths.Lock);
            if (!folderExisted)
            {
                Directory.Delete(paths.Folder);
            }
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            // Why the run could not begin matters more than what is left of it.
        }
    }

    /// <summary>Opens a run to look at it, also while another process changes it.</summary>
    /// <exception cref="StorageException">There is no run, or it is damaged or of another version.</exception>
    public static RunFolder OpenForReading(string folder)
    {
        var paths = new RunPaths(Path.GetFullPath(folder));
        return File.Exists(paths.Info)
            ? new RunFolder(paths, ReadInfo(paths), runLock: null)
            : throw new StorageException(paths.Folder, $"'{paths.Folder}' is not a run: it has no run.json. Give the folder of a run, or begin one with 'dipaco train'.");
    }

    /// <summary>Gives the run's lock back.</summary>
    public void Dispose() => _lock?.Dispose();

    private static RunInfo Begin(RunPaths paths, RunInfo wanted, IStorageSteps steps)
    {
        DurableFile.WriteAllBytes(paths.Info, wanted.ToJson(), steps);
        return wanted;
    }

    private static RunInfo Continue(RunPaths paths, RunInfo wanted, IReadOnlyCollection<string> freeKeys)
    {
        RunInfo info = ReadInfo(paths);
        ConfigurationDifference[] differences =
        [
            .. ConfigurationComparison.Compare(info.Config, wanted.Config)
                .Where(difference => !ConfigurationComparison.IsWithin(difference, freeKeys)),
        ];
        return differences.Length == 0 ? info : throw new ConfigurationChangedException(paths.Folder, differences, IsTrained(paths));
    }

    /// <summary>Whether there is, or might have been, any training in a run.</summary>
    private static bool IsTrained(RunPaths paths) =>
        TaskJournal.SignOfLoss(paths.Folder) is not null
        || TaskJournal.ReadEntries(paths.Folder).Any(entry => entry.Kind is "train" or ForgottenTask.Kind);

    private static RunInfo ReadInfo(RunPaths paths)
    {
        try
        {
            using var stream = new FileStream(paths.Info, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            if (stream.Length > LargestInfo)
            {
                throw new StorageException(paths.Info, $"'{paths.Info}' has {stream.Length} bytes; at most {LargestInfo} are expected. Restore the file from a copy of the run.");
            }

            byte[] json = new byte[stream.Length];
            stream.ReadExactly(json);
            return RunInfo.Parse(paths.Info, json);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "read", paths.Info);
        }
    }

    /// <summary>A run is begun in an empty folder only. What a process that was killed while beginning one leaves does not count.</summary>
    private static void ThrowIfForeign(RunPaths paths)
    {
        if (File.Exists(paths.Folder))
        {
            throw new StorageException(paths.Folder, $"'{paths.Folder}' is a file. Give a folder for the run (--run).");
        }

        if (!Directory.Exists(paths.Folder) || File.Exists(paths.Info))
        {
            return;
        }

        string? stranger = Directory.EnumerateFileSystemEntries(paths.Folder)
            .FirstOrDefault(entry => entry != paths.Lock && entry != paths.Holder && !TemporaryFiles.IsTemporary(Path.GetFileName(entry)));
        if (stranger is not null)
        {
            throw new StorageException(
                paths.Folder, $"'{paths.Folder}' is not empty and not a run: it contains '{Path.GetFileName(stranger)}' and no run.json. Give an empty folder or a new one (--run).");
        }
    }
}
