using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Inference;

namespace DiPaCo.Serving.Models;

/// <summary>
/// The modules in memory, each once whatever number of paths and model versions use it. Under the limit modules that nobody uses stay; those
/// longest unused make room. Who asks for more than fits beside what is in use waits until something is let go, and everyone who asks later waits
/// behind him: otherwise whoever needs much would never find it free.
/// </summary>
/// <param name="type">How weights are stored.</param>
/// <param name="limitBytes">Most bytes of weights.</param>
/// <param name="idle">Where modules are read that nobody waits for; not owned; null: on a thread of its own that has the processor only while nobody else wants it.</param>
internal sealed class ModuleStore(WeightType type, long limitBytes, TaskScheduler? idle = null) : IDisposable
{
    private const double MiB = 1 << 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<BlobHash, Entry> _entries = [];
    private readonly LinkedList<Waiter> _waiters = [];
    private readonly IdleScheduler? _own = idle is null ? new IdleScheduler() : null;
    private readonly CancellationTokenSource _stop = new();
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

    /// <summary>Who waits for room.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>Times that a module was read from its file.</summary>
    public long Loads { get; private set; }

    /// <summary>Most bytes of weights.</summary>
    public long LimitBytes => limitBytes;

    /// <summary>Bytes of modules in memory.</summary>
    public long BytesOf(IEnumerable<GridModule> modules) => modules.Sum(module => LoadedModule.BytesOf(module.Definition.Layout, type));

    /// <summary>Takes modules, loading what is missing.</summary>
    /// <param name="grid">Where their files are.</param>
    /// <param name="modules">Which.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="DiPaCoException">They do not fit under the limit at all, or a file is missing or damaged.</exception>
    public async Task<ModuleLease> AcquireAsync(ServedGrid grid, ImmutableArray<GridModule> modules, CancellationToken cancellationToken)
    {
        ThrowIfTooLarge(modules);
        List<Entry>? taken;
        Waiter waiter = new(grid, modules);
        lock (_lock)
        {
            taken = _waiters.Count == 0 ? TryTake(grid, modules) : null;
            if (taken is null)
            {
                // What is read idly keeps its room until it is there.
                Hurry();
                _waiters.AddLast(waiter);
            }
        }

        return await LeaseAsync(taken ?? await TurnAsync(waiter, cancellationToken));
    }

    /// <summary>Takes modules if nobody has to be waited for, loading what is missing; null: there is no room now, or others wait for it.</summary>
    /// <param name="grid">Where their files are.</param>
    /// <param name="modules">Which.</param>
    /// <param name="spared">Modules that do not make room for them; null: any may.</param>
    /// <param name="idly">Whether to read them only while nobody else wants the processor.</param>
    /// <exception cref="DiPaCoException">They do not fit under the limit at all, or a file is missing or damaged.</exception>
    public Task<ModuleLease>? TryAcquireAsync(ServedGrid grid, ImmutableArray<GridModule> modules, IReadOnlySet<BlobHash>? spared = null, bool idly = false)
    {
        ThrowIfTooLarge(modules);
        List<Entry>? taken;
        lock (_lock)
        {
            taken = _waiters.Count == 0 ? TryTake(grid, modules, spared, idly) : null;
        }

        return taken is null ? null : LeaseAsync(taken);
    }

    /// <summary>Reads what is read idly at full speed: somebody waits.</summary>
    public void Hurry()
    {
        lock (_lock)
        {
            foreach (Entry entry in _entries.Values)
            {
                entry.Load.Hurry();
            }
        }
    }

    /// <summary>Frees the modules that nobody uses and that are none of these.</summary>
    public void KeepOnly(IReadOnlySet<BlobHash> blobs)
    {
        lock (_lock)
        {
            foreach (BlobHash blob in _entries.Where(pair => pair.Value.Users == 0 && !blobs.Contains(pair.Key)).Select(pair => pair.Key).ToArray())
            {
                Evict(blob);
            }
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
        _stop.Cancel();
        lock (_lock)
        {
            foreach (Entry entry in _entries.Values)
            {
                entry.Load.Free();
            }

            _entries.Clear();
            _bytes = 0;
        }

        _own?.Dispose();
        _stop.Dispose();
    }

    private void ThrowIfTooLarge(ImmutableArray<GridModule> modules)
    {
        if (BytesOf(modules.DistinctBy(module => module.Blob)) is var bytes && bytes > limitBytes)
        {
            throw TooLarge("A path's weights take", bytes);
        }
    }

    private async Task<ModuleLease> LeaseAsync(List<Entry> taken)
    {
        try
        {
            LoadedModule[] loaded = await Task.WhenAll(taken.Select(entry => entry.Load.Loaded));
            return new ModuleLease([.. loaded], () => Release(taken));
        }
        catch
        {
            Release(taken);
            throw;
        }
    }

    private async Task<List<Entry>> TurnAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        await using CancellationTokenRegistration gone = cancellationToken.UnsafeRegister(_ => GiveUp(waiter, cancellationToken), null);
        return await waiter.Turn.Task;
    }

    private void GiveUp(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_waiters.Remove(waiter))
            {
                waiter.Turn.SetCanceled(cancellationToken);
                ServeWaiters();
            }
        }
    }

    /// <summary>Gives to those who wait, in their order, as far as there is room.</summary>
    private void ServeWaiters()
    {
        while (_waiters.First?.Value is { } next && TryTake(next.Grid, next.Modules) is { } taken)
        {
            _waiters.RemoveFirst();
            next.Turn.SetResult(taken);
        }
    }

    /// <summary>Takes all of them, or none: nothing is let go for a request that does not fit then either.</summary>
    private List<Entry>? TryTake(ServedGrid grid, ImmutableArray<GridModule> modules, IReadOnlySet<BlobHash>? spared = null, bool idly = false)
    {
        GridModule[] missing = [.. modules.Where(module => !_entries.ContainsKey(module.Blob)).DistinctBy(module => module.Blob)];
        if (!TryMakeRoom(BytesOf(missing), modules, spared))
        {
            return null;
        }

        foreach (GridModule module in missing)
        {
            long bytes = LoadedModule.BytesOf(module.Definition.Layout, type);
            _entries[module.Blob] = new Entry(new ModuleLoad((scheduler, stop) => ReadAsync(grid, module, scheduler, stop), idly ? idle ?? _own : null, _stop.Token), bytes);
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
            if (!idly)
            {
                entry.Load.Hurry();
            }
        }

        return taken;
    }

    private bool TryMakeRoom(long wanted, ImmutableArray<GridModule> modules, IReadOnlySet<BlobHash>? spared)
    {
        if (_bytes + wanted <= limitBytes)
        {
            return true;
        }

        HashSet<BlobHash> own = [.. modules.Select(module => module.Blob)];
        KeyValuePair<BlobHash, Entry>[] unused =
            [.. _entries.Where(pair => pair.Value.Users == 0 && !own.Contains(pair.Key) && spared?.Contains(pair.Key) != true).OrderBy(pair => pair.Value.LastUse)];
        if (_bytes + wanted - unused.Sum(pair => pair.Value.Bytes) > limitBytes)
        {
            return false;
        }

        for (int at = 0; _bytes + wanted > limitBytes; at++)
        {
            Evict(unused[at].Key);
        }

        return true;
    }

    private void Evict(BlobHash blob)
    {
        _entries.Remove(blob, out Entry? entry);
        _bytes -= entry!.Bytes;
        entry.Load.Free();
    }

    private Task<LoadedModule> ReadAsync(ServedGrid grid, GridModule module, TaskScheduler scheduler, CancellationToken cancellationToken) => Task.Run(async () =>
    {
        string file = await grid.GetFileAsync(module.Blob, scheduler, cancellationToken);
        try
        {
            return await scheduler.RunAsync(() => LoadedModule.Read(file, module.Definition.Layout, type, cancellationToken), cancellationToken);
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
                if (entry.Load.Loaded.IsFaulted && _entries.FirstOrDefault(pair => pair.Value == entry) is { Value: not null } failed)
                {
                    // The next to ask tries again.
                    _entries.Remove(failed.Key);
                    _bytes -= entry.Bytes;
                }
            }

            ServeWaiters();
        }
    }

    private sealed class Waiter(ServedGrid grid, ImmutableArray<GridModule> modules)
    {
        public ServedGrid Grid { get; } = grid;

        public ImmutableArray<GridModule> Modules { get; } = modules;

        public TaskCompletionSource<List<Entry>> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Entry(ModuleLoad load, long bytes)
    {
        public ModuleLoad Load { get; } = load;

        public long Bytes { get; } = bytes;

        public int Users { get; set; }

        public long LastUse { get; set; }
    }
}
