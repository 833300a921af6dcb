using System.Runtime.CompilerServices;
using DiPaCo.Model.Kernels.Cpu;

namespace DiPaCo.Serving.Inference;

/// <summary>
/// Threads for the loops of a forward pass. A step has dozens of short loops, so the threads spin for a moment after each,
/// waiting for the next, before they go to sleep. A loop never waits for a thread that has not begun: on a busy machine the caller does all the work itself.
/// One caller at a time.
/// </summary>
internal sealed unsafe class ComputePool : IDisposable
{
    private const int SpinsBeforeSleep = 2_000;

    private readonly Thread[] _threads;
    private readonly Lock _sleep = new();
    private readonly SemaphoreSlim _wake = new(0);
    private Loop* _loop;
    private int _number;
    private int _open;
    private int _inside;
    private int _asleep;
    private bool _stop;

    /// <summary>Starts the threads.</summary>
    /// <param name="threads">Threads that compute, the caller included; at least 1.</param>
    public ComputePool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Count = threads;
        _threads = new Thread[threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Serve(worker)) { IsBackground = true, Name = $"dipaco-serve-{worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Threads that compute, the caller included.</summary>
    public int Count { get; }

    /// <summary>Runs all chunks of a kernel and returns when they are done. Worker numbers are below <see cref="Count"/>.</summary>
    public void Run<TKernel>(TKernel kernel, long chunks)
        where TKernel : unmanaged, IChunkKernel
    {
        Loop loop = new() { Body = &Invoke<TKernel>, Kernel = &kernel, Chunks = chunks };
        if (chunks <= 1 || Count == 1)
        {
            Work(&loop, 0);
            return;
        }

        _loop = &loop;
        int number = ++_number == 0 ? ++_number : _number;
        Interlocked.Exchange(ref _open, number);
        if (Volatile.Read(ref _asleep) > 0)
        {
            Wake(chunks);
        }

        Work(&loop, 0);
        Interlocked.Exchange(ref _open, 0);
        SpinWait wait = default;
        while (Volatile.Read(ref _inside) > 0)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        _wake.Release(_threads.Length + 1);
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        _wake.Dispose();
    }

    private static void Invoke<TKernel>(void* kernel, long chunk, int worker)
        where TKernel : unmanaged, IChunkKernel => ((TKernel*)kernel)->Run(chunk, worker);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Work(Loop* loop, int worker)
    {
        long chunk;
        while ((chunk = Interlocked.Increment(ref loop->Next) - 1) < loop->Chunks)
        {
            loop->Body(loop->Kernel, chunk, worker);
        }
    }

    private void Wake(long chunks)
    {
        lock (_sleep)
        {
            int wanted = (int)Math.Min(_asleep, chunks - 1);
            if (wanted > 0)
            {
                _asleep -= wanted;
                _wake.Release(wanted);
            }
        }
    }

    private void Serve(int worker)
    {
        int done = 0;
        int spins = 0;
        while (!Volatile.Read(ref _stop))
        {
            int open = Volatile.Read(ref _open);
            if (open != 0 && open != done)
            {
                done = open;
                spins = 0;

                // The caller leaves its loop only when nobody is inside, and nobody works who did not find it open after entering.
                Interlocked.Increment(ref _inside);
                if (Volatile.Read(ref _open) == open)
                {
                    Work(_loop, worker);
                }

                Interlocked.Decrement(ref _inside);
            }
            else if (++spins < SpinsBeforeSleep)
            {
                Thread.SpinWait(16);
            }
            else
            {
                spins = 0;
                Sleep(done);
            }
        }
    }

    private void Sleep(int done)
    {
        lock (_sleep)
        {
            _asleep++;
        }

        // A loop that was opened before this thread counted as asleep has woken nobody.
        Interlocked.MemoryBarrier();
        int open = Volatile.Read(ref _open);
        if (open != 0 && open != done)
        {
            lock (_sleep)
            {
                if (_asleep > 0)
                {
                    _asleep--;
                    return;
                }
            }
        }

        _wake.Wait();
    }

    private struct Loop
    {
        public delegate*<void*, long, int, void> Body;
        public void* Kernel;
        public long Chunks;
        public long Next;
    }
}
