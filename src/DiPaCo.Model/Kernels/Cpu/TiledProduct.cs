using System.Runtime.InteropServices;
using DiPaCo.Model.Kernels.Cpu.Amx;
using static TorchSharp.torch;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// A matrix product whose bytes do not depend on the number of threads. With AMX, oneDNN divides sums among its threads, so that their number
/// would reach the result; here the result is divided into tiles instead, by its shape alone, and each tile is a product on one thread.
/// </summary>
internal static class TiledProduct
{
    private const long Large = 1 << 21;
    private const long Medium = 1 << 18;

    /// <summary>Whether a product has to be divided here.</summary>
    public static bool IsNeeded(Tensor destination) => AmxProduct.IsInProcessor && destination.dtype == ScalarType.BFloat16;

    /// <summary>destination = left·right.</summary>
    /// <param name="threads">Runs the tiles.</param>
    /// <param name="left">[M, K].</param>
    /// <param name="right">[K, N].</param>
    /// <param name="destination">[M, N].</param>
    public static void Multiply(WorkerThreads threads, Tensor left, Tensor right, Tensor destination)
    {
        (long rows, long columns) = (destination.shape[0], destination.shape[1]);

        // Larger tiles pack their operands less often, smaller ones keep more threads busy.
        long edge = rows * columns >= Large ? 512 : rows * columns >= Medium ? 256 : 128;
        Job job = new(left, right, destination, edge);
        GCHandle handle = GCHandle.Alloc(job);
        try
        {
            threads.RunAlone(new TileKernel { Job = GCHandle.ToIntPtr(handle) }, job.Count);
        }
        finally
        {
            handle.Free();
        }

        if (job.Failure is { } failure)
        {
            throw new InvalidOperationException("A tile of a matrix product failed.", failure);
        }
    }

    private struct TileKernel : IChunkKernel
    {
        public nint Job;

        public readonly void Run(long chunk, int worker) => ((Job)GCHandle.FromIntPtr(Job).Target!).Compute(chunk);
    }

    private sealed class Job(Tensor left, Tensor right, Tensor destination, long edge)
    {
        private readonly long _rows = destination.shape[0];
        private readonly long _columns = destination.shape[1];

        public long Count => TilesOf(_rows) * TilesOf(_columns);

        public Exception? Failure { get; private set; }

        public void Compute(long tile)
        {
            try
            {
                (long row, long column) = Math.DivRem(tile, TilesOf(_columns));
                (long firstRow, long firstColumn) = (row * edge, column * edge);
                (long rows, long columns) = (Math.Min(edge, _rows - firstRow), Math.Min(edge, _columns - firstColumn));
                using Tensor l = left.narrow(0, firstRow, rows);
                using Tensor r = right.narrow(1, firstColumn, columns);
                using Tensor band = destination.narrow(0, firstRow, rows);
                using Tensor d = band.narrow(1, firstColumn, columns);
                d.addmm_(l, r, beta: 0, alpha: 1);
            }
            catch (Exception exception)
            {
                // Kernels must not throw: the thread may be OpenMP's. The caller throws it.
                Failure = exception;
            }
        }

        private long TilesOf(long length) => (length + edge - 1) / edge;
    }
}
