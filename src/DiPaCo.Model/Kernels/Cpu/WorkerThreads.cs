using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// Runs chunks on the threads that libtorch computes its products with. These threads spin for a while after each product,
/// waiting for the next; threads of .NET's pool would have to share the cores with them. So the loop is handed to the very
/// OpenMP library that libtorch has loaded (GNU's, on Linux), and .NET's pool is used only where that is not to be found.
/// </summary>
internal sealed unsafe class WorkerThreads
{
    private readonly delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void> _gompParallel;
    private readonly delegate* unmanaged<int, void> _setThreads;

    public WorkerThreads()
    {
        if (NativeLibrary.TryLoad("libtorch_cpu.so", out nint torchCpu) && NativeLibrary.TryGetExport(torchCpu, "GOMP_parallel", out nint address))
        {
            _gompParallel = (delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void>)address;
            _setThreads = (delegate* unmanaged<int, void>)NativeLibrary.GetExport(torchCpu, "omp_set_num_threads");
        }
    }

    /// <summary>Most workers that a loop may have.</summary>
    public static int Count => torch.get_num_threads();

    /// <summary>Runs all chunks of a kernel and returns when they are done.</summary>
    public void Run<TKernel>(TKernel kernel, long chunks)
        where TKernel : unmanaged, IChunkKernel
    {
        int workers = (int)Math.Min(Count, chunks);
        Loop loop = new() { Body = &Invoke<TKernel>, Kernel = &kernel, Chunks = chunks };
        if (workers <= 1)
        {
            Work(&loop);
        }
        else if (_gompParallel != null)
        {
            _gompParallel(&WorkOnOpenMP, &loop, (uint)workers, 0);
        }
        else
        {
            Loop* shared = &loop;
            Parallel.For(0, workers, _ => Work(shared));
        }
    }

    /// <summary>
    /// Runs all chunks of a kernel that calls libtorch, so that libtorch and what it calls count on one thread in each of them, whatever the
    /// number of threads is: it may decide how a product is computed.
    /// </summary>
    public void RunAlone<TKernel>(TKernel kernel, long chunks)
        where TKernel : unmanaged, IChunkKernel
    {
        Loop loop = new() { Body = &Invoke<TKernel>, Kernel = &kernel, Chunks = chunks, SetThreads = _setThreads };
        if (_gompParallel != null)
        {
            // Also for one worker: what is set in the region ends with it.
            _gompParallel(&WorkOnOpenMP, &loop, (uint)Math.Min(Count, chunks), 0);
            return;
        }

        int threads = Count;
        torch.set_num_threads(1);
        try
        {
            Work(&loop);
        }
        finally
        {
            torch.set_num_threads(threads);
        }
    }

    private static void Invoke<TKernel>(void* kernel, long chunk, int worker)
        where TKernel : unmanaged, IChunkKernel => ((TKernel*)kernel)->Run(chunk, worker);

    [UnmanagedCallersOnly]
    private static void WorkOnOpenMP(void* loop) => Work((Loop*)loop);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Work(Loop* loop)
    {
        int worker = Interlocked.Increment(ref loop->Workers) - 1;
        if (loop->SetThreads != null)
        {
            // The first question on a thread makes libtorch set its own number there; only after it ours stays.
            _ = torch.get_num_threads();
            loop->SetThreads(1);
        }

        long chunk;
        while ((chunk = Interlocked.Increment(ref loop->Next) - 1) < loop->Chunks)
        {
            loop->Body(loop->Kernel, chunk, worker);
        }
    }

    private struct Loop
    {
        public delegate*<void*, long, int, void> Body;
        public void* Kernel;
        public long Chunks;
        public long Next;
        public delegate* unmanaged<int, void> SetThreads;
        public int Workers;
    }
}
