using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Inference;

namespace DiPaCo.Serving.Models;

/// <summary>
/// The modules in memory, each once whatever number of paths and model versions use it. Under the limit modules that nobody uses stay; those
/// longest unused make room. Who asks for more than fits beside what is in use waits until something is let go.
/// </summary>
/// <param name="type">How weights are stored.</param>
/// <param name="limitBytes">Most bytes of weights.</param>
internal sealed class ModuleStore(WeightType type, long limitBytes) : IDisposable
{
    private const double MiB = 1 << 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<BlobHash, Entry> _entries = [];
    private TaskCompletionSource _released = New();
    private long _clock;
    private long _bytes;

    /// <summary>Bytes of weights in memory, or being loaded.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Modules in memory.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Times that a module was read from its file.</summary>
    public long Loads { get; private set; }

    /// <summary>Most bytes of weights.</summary>
    public long LimitBytes => limitBytes;

    /// <summary>Bytes of modules in memory.</summary>
    public long BytesOf(IEnumerable<GridModule> modules) => modules.Sum(module => LoadedModule.BytesOf(module.Definition.Layout, type));

    /// <summary>Whether modules fit beside all that is in memory.</summary>
    public bool HasRoomFor(ImmutableArray<GridModule> modules)
    {
        lock (_lock)
        {
            return _bytes + BytesOf(MissingOf(modules)) <= limitBytes;
        }
    }

    /// <summary>Takes modules, loading what is missing.</summary>
    /// <param name="grid">Where their files are.</param>
    /// <param name="modules">Which.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="DiPaCoException">They do not fit under the limit at all, or a file is missing or damaged.</exception>
    public async Task<ModuleLease> AcquireAsync(ServedGrid grid, ImmutableArray<GridModule> modules, CancellationToken cancellationToken)
    {
        List<Entry>? taken;
        while (true)
        {
            Task released;
            lock (_lock)
            {
                taken = TryTake(grid, modules);
                released = _released.Task;
            }

            if (taken is not null)
            {
                break;
            }

            await released.WaitAsync(cancellationToken);
        }

        try
        {
            LoadedModule[] loaded = await Task.WhenAll(taken.Select(entry => entry.Loading));
            return new ModuleLease([.. loaded], () => Release(taken));
        }
        catch
        {
            Release(taken);
            throw;
        }
    }

    /// <summary>The error about more weights than the limit allows.</summary>
    /// <param name="what">What takes them.</param>
    /// <param name="bytes">How many.</param>
    public DiPaCoException TooLarge(string what, long bytes) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"{what} {bytes / MiB:0.#} MiB, which is more than the limit of {limitBytes / MiB:0.#} MiB. Raise the limit of weights (--memory)."));

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (Entry entry in _entries.Values)
            {
                entry.Free();
            }

            _entries.Clear();
            _bytes = 0;
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private List<Entry>? TryTake(ServedGrid grid, ImmutableArray<GridModule> modules)
    {
        GridModule[] missing = MissingOf(modules);
        long wanted = BytesOf(missing);
        HashSet<BlobHash> own = [.. modules.Select(module => module.Blob)];
        foreach ((BlobHash blob, Entry entry) in _entries.Where(pair => pair.Value.Users == 0 && !own.Contains(pair.Key)).OrderBy(pair => pair.Value.LastUse).ToArray())
        {
            if (_bytes + wanted <= limitBytes)
            {
                break;
            }

            _entries.Remove(blob);
            _bytes -= entry.Bytes;
            entry.Free();
        }

        if (_bytes + wanted > limitBytes)
        {
            return _entries.Values.Any(entry => entry.Users > 0) ? null : throw TooLarge("A path's weights take", _bytes + wanted);
        }

        foreach (GridModule module in missing)
        {
            long bytes = LoadedModule.BytesOf(module.Definition.Layout, type);
            _entries[module.Blob] = new Entry(LoadAsync(grid, module), bytes);
            _bytes += bytes;
            Loads++;
        }

        List<Entry> taken = [];
        foreach (GridModule module in modules)
        {
            Entry entry = _entries[module.Blob];
            entry.Users++;
            entry.LastUse = ++_clock;
            taken.Add(entry);
        }

        return taken;
    }

    private GridModule[] MissingOf(ImmutableArray<GridModule> modules) =>
        [.. modules.Where(module => !_entries.ContainsKey(module.Blob)).DistinctBy(module => module.Blob)];

    private Task<LoadedModule> LoadAsync(ServedGrid grid, GridModule module) => Task.Run(async () =>
    {
        string file = await grid.GetFileAsync(module.Blob, CancellationToken.None);
        try
        {
            return LoadedModule.Read(file, module.Definition.Layout, type);
        }
        catch (OutOfMemoryException exception)
        {
            throw new DiPaCoException($"There is no memory for the module '{module.Definition.Id.Name}'. Lower the limit of weights (--memory).", exception);
        }
    });

    private void Release(List<Entry> taken)
    {
        lock (_lock)
        {
            foreach (Entry entry in taken)
            {
                entry.Users--;
                entry.LastUse = ++_clock;
                if (entry.Loading.IsFaulted && _entries.FirstOrDefault(pair => pair.Value == entry) is { Value: not null } failed)
                {
                    // The next to ask tries again.
                    _entries.Remove(failed.Key);
                    _bytes -= entry.Bytes;
                }
            }

            _released.TrySetResult();
            _released = New();
        }
    }

    private sealed class Entry(Task<LoadedModule> loading, long bytes)
    {
        public Task<LoadedModule> Loading { get; } = loading;

        public long Bytes { get; } = bytes;

        public int Users { get; set; }

        public long LastUse { get; set; }

        /// <summary>Frees the weights, once they are there.</summary>
        public void Free() => _ = Loading.ContinueWith(
            static loaded => loaded.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
