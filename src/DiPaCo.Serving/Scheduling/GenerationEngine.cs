using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Serving.Inference;

namespace DiPaCo.Serving.Scheduling;

/// <summary>
/// Computes many sequences side by side, on a thread of its own: in every step each gets its next row or a piece of its prompt, and rows on
/// different paths that go through the same module are one product. Sequences come and go between steps.
/// </summary>
internal sealed class GenerationEngine : IStepSink, IDisposable
{
    private readonly EngineOptions _options;
    private readonly ComputePool _pool;
    private readonly PagePool _pages;
    private readonly ForwardPass _pass;
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private readonly LinkedList<GenerationHandle> _waiting = [];
    private readonly AutoResetEvent _changed = new(false);
    private readonly List<Sequence> _active = [];
    private readonly List<Sequence> _planned = [];
    private readonly List<Sequence> _prompts = [];
    private readonly List<Slice> _slices = [];
    private readonly EngineCounters _counters = new();
    private bool _stop;
    private bool _disposed;
    private long _turn;

    /// <summary>Starts an engine for all models of one shape.</summary>
    /// <param name="shape">The paths' transformer.</param>
    /// <param name="boundaries">Blocks at which a switch of paths may begin; none where there are no switches.</param>
    /// <param name="maxPositions">Most positions of a sequence.</param>
    /// <param name="paths">Number of paths, which are a token router's outputs.</param>
    /// <param name="type">How weights are stored.</param>
    /// <param name="options">Limits.</param>
    public GenerationEngine(TransformerShape shape, ImmutableArray<int> boundaries, int maxPositions, int paths, WeightType type, EngineOptions options)
    {
        _options = options;
        CacheGeometry geometry = new(shape, boundaries);
        MaxPositions = maxPositions;
        _pool = new ComputePool(options.Threads);
        long pages = options.CacheBytes / geometry.PageBytes ?? options.MaxSequences * GenerationRequest.MostPages(maxPositions);
        _pages = new PagePool(geometry, (int)Math.Clamp(pages, 1, int.MaxValue));
        _pass = new ForwardPass(geometry, _pool, type, options.MaxRows, maxPositions, paths);
        _thread = new Thread(Serve) { IsBackground = true, Name = "dipaco-serve" };
        _thread.Start();
    }

    /// <summary>Most positions of a sequence.</summary>
    public int MaxPositions { get; }

    /// <summary>Why it has stopped computing; null: it has not.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether it takes no more sequences.</summary>
    public bool IsStopping => Volatile.Read(ref _stop);

    /// <summary>Most sequences that it takes at a time, those that wait among them.</summary>
    public int MostSequences => _options.MaxSequences + _options.MaxQueue;

    /// <summary>Bytes of a page of keys and values.</summary>
    public long PageBytes => _pages.Geometry.PageBytes;

    /// <summary>What it has done, and what it is doing.</summary>
    public EngineCounters Counters => _counters;

    /// <summary>Queues a sequence; null: too many wait already, or it has ended.</summary>
    /// <exception cref="DiPaCoException">The sequence can never be computed within the limits.</exception>
    public GenerationHandle? TrySubmit(GenerationRequest request) => TrySubmit([request])?[0];

    /// <summary>Queues sequences, all of them or none; null: there is no room for all, or it has ended.</summary>
    /// <exception cref="DiPaCoException">One of them can never be computed within the limits.</exception>
    public IReadOnlyList<GenerationHandle>? TrySubmit(IReadOnlyList<GenerationRequest> requests)
    {
        foreach (GenerationRequest request in requests)
        {
            ThrowIfImpossible(request);
        }

        GenerationHandle[] handles = [.. requests.Select(request => new GenerationHandle(request, Leave))];
        lock (_lock)
        {
            if (_stop || _waiting.Count + handles.Length > _options.MaxQueue + Math.Max(0, _options.MaxSequences - _active.Count))
            {
                _counters.Rejected += handles.Length;
                return null;
            }

            foreach (GenerationHandle handle in handles)
            {
                _waiting.AddLast(handle);
            }

            _counters.Waiting = _waiting.Count;
        }

        Wake();
        return handles;
    }

    void IStepSink.Logits(int slice, int index, ReadOnlySpan<float> logits)
    {
        Sequence sequence = _planned[slice];
        if (sequence.IsDone)
        {
            return;
        }

        try
        {
            sequence.Logits(index, logits);
        }
        catch (Exception exception)
        {
            // Whatever it is, it is the matter of this sequence, and of no other.
            sequence.Fail(exception);
        }
    }

    void IStepSink.Hidden(int slice, int index, ReadOnlySpan<float> hidden)
    {
        Sequence sequence = _planned[slice];
        try
        {
            sequence.Hidden(hidden);
        }
        catch (Exception exception)
        {
            // Whatever it is, it is the matter of this sequence, and of no other.
            sequence.Fail(exception);
        }
    }

    /// <summary>Ends all sequences and the thread; once is enough.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        lock (_lock)
        {
            _stop = true;
        }

        Wake();
        _thread.Join();
        _pass.Dispose();
        _pages.Dispose();
        _pool.Dispose();
        _changed.Dispose();
    }

    private void ThrowIfImpossible(GenerationRequest request)
    {
        ArgumentOutOfRangeException.ThrowIfZero(request.Prompt.Length);
        if (request.Positions > MaxPositions)
        {
            throw new DiPaCoException($"A sequence of {request.Positions} tokens was asked for; the model has a context of {MaxPositions}.");
        }

        if (request.Pages > _pages.Capacity)
        {
            throw new DiPaCoException($"A sequence of {request.Positions} tokens needs more keys and values than the cache may hold ({_pages.Capacity * PageBytes >> 20} MiB).");
        }
    }

    /// <summary>A client has gone: where its sequence waits, its place is free at once.</summary>
    private void Leave(GenerationHandle handle)
    {
        lock (_lock)
        {
            if (_waiting.Remove(handle))
            {
                handle.Complete();
                _counters.Cancelled++;
                _counters.Waiting = _waiting.Count;
            }
        }

        Wake();
    }

    private void Wake()
    {
        try
        {
            _changed.Set();
        }
        catch (ObjectDisposedException)
        {
            // A client lets go of its sequence after the engine has ended.
        }
    }

    private void Serve()
    {
        try
        {
            while (true)
            {
                lock (_lock)
                {
                    if (_stop)
                    {
                        break;
                    }

                    Admit();
                }

                if (!Step())
                {
                    _changed.WaitOne();
                }
            }
        }
        catch (Exception exception)
        {
            // A bug: everyone who waits is told, and the server no longer says that it is ready.
            Failure = exception;
            foreach (Sequence sequence in _active)
            {
                sequence.Fail(exception);
            }
        }

        foreach (Sequence sequence in _active)
        {
            sequence.Dispose();
        }

        lock (_lock)
        {
            _stop = true;
            foreach (GenerationHandle handle in _waiting)
            {
                handle.Complete(new OperationCanceledException("The server is stopping."));
            }

            _waiting.Clear();
        }
    }

    private void Admit()
    {
        while (_active.Count < _options.MaxSequences && _waiting.First?.Value is { } handle && _pages.Reserved + handle.Request.Pages <= _pages.Capacity)
        {
            _waiting.RemoveFirst();
            if (Begin(handle) is { } sequence)
            {
                _active.Add(sequence);
            }
        }

        _counters.Waiting = _waiting.Count;
        _counters.Active = _active.Count;
        _counters.PagesReserved = _pages.Reserved;
        _counters.PagesAllocated = _pages.Allocated;
    }

    /// <summary>Begins a sequence for which there is room; null: it cannot be, which its client is told.</summary>
    private Sequence? Begin(GenerationHandle handle)
    {
        GenerationRequest request = handle.Request;
        SequenceCache cache = _pages.TryReserve(request.Positions)!;
        SequenceCache? routeCache = request.RoutePositions == 0 ? null : _pages.TryReserve(request.RoutePositions);
        SequenceCache? tokenCache = request.TokenPositions == 0 ? null : _pages.TryReserve(request.TokenPositions);
        try
        {
            return new Sequence(handle, cache, routeCache, tokenCache, Wake);
        }
        catch (Exception exception)
        {
            cache.Dispose();
            routeCache?.Dispose();
            tokenCache?.Dispose();
            handle.Complete(exception);
            _counters.Finished++;
            return null;
        }
    }

    /// <summary>One step; false: there was nothing to compute.</summary>
    private bool Step()
    {
        RemoveCancelled();
        PlanStep();
        if (_slices.Count > 0)
        {
            int rows = _slices.Sum(slice => slice.Tokens.Length);
            _pass.Run(_slices, this);
            _counters.Steps++;
            _counters.Rows += rows;
            for (int i = 0; i < _planned.Count; i++)
            {
                _planned[i].Advance(_slices[i].Tokens.Length);
            }
        }

        bool computed = _slices.Count > 0;
        _slices.Clear();
        _planned.Clear();
        return RemoveDone() || computed;
    }

    /// <summary>
    /// Those that write come first, a row each. Of what is left the oldest prompt gets half, so that none waits for ever, and the shortest get the rest, so that
    /// few wait long.
    /// </summary>
    private void PlanStep()
    {
        int writers = 0;
        _prompts.Clear();
        _prompts.AddRange(_active.Where(static sequence => !sequence.IsWriting));

        // Where more write than fit into a step, each step begins with others; and they leave room for a prompt that waits.
        int most = _prompts.Count == 0 ? _options.MaxRows : Math.Max(1, _options.MaxRows - _options.PromptRowsBesideWriters);
        _turn += most;
        for (int i = 0; i < _active.Count && _slices.Count < most; i++)
        {
            Sequence sequence = _active[(int)((_turn + i) % _active.Count)];
            writers += sequence.IsWriting ? TryPlan(sequence, 1) : 0;
        }

        int rest = writers == 0 ? _options.MaxRows : Math.Min(_options.MaxRows - writers, _options.PromptRowsBesideWriters);
        int half = (rest + 1) / 2;
        for (bool served = false; rest > 0 && !served && _prompts.Count > 0; _prompts.RemoveAt(0))
        {
            // Who waits for weights takes none; the next one is the oldest then.
            int taken = TryPlan(_prompts[0], _prompts.Count > 1 ? half : rest);
            rest -= taken;
            served = taken > 0;
        }

        _prompts.Sort(static (one, other) => one.RowsLeft.CompareTo(other.RowsLeft));
        foreach (Sequence sequence in _prompts)
        {
            if (rest > 0)
            {
                rest -= TryPlan(sequence, rest);
            }
        }
    }

    private int TryPlan(Sequence sequence, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        try
        {
            if (sequence.Plan(rows) is { } slice)
            {
                _planned.Add(sequence);
                _slices.Add(slice);
                return slice.Tokens.Length;
            }
        }
        catch (Exception exception)
        {
            // Whatever it is, it is the matter of this sequence, and of no other.
            sequence.Fail(exception);
        }

        return 0;
    }

    private void RemoveCancelled()
    {
        foreach (Sequence sequence in _active)
        {
            if (sequence.Handle.IsCancelled && !sequence.IsDone)
            {
                lock (_lock)
                {
                    _counters.Cancelled++;
                }

                sequence.Fail(new OperationCanceledException("The client has gone."));
            }
        }
    }

    private bool RemoveDone()
    {
        bool any = false;
        for (int i = _active.Count - 1; i >= 0; i--)
        {
            if (_active[i].IsDone)
            {
                any = true;
                _counters.Finished++;
                _counters.TokensWritten += _active[i].Written;
                _counters.PromptTokens += _active[i].Handle.Request.Prompt.Length;
                _active[i].Dispose();
                _active.RemoveAt(i);
            }
        }

        return any;
    }
}
