using System.Buffers;
using System.Runtime.ExceptionServices;

namespace DiPaCo.Routing;

/// <summary>
/// Cuts rows into blocks that fit the second-level cache and blocks into stripes that threads work on. Both cuts depend
/// on the number of rows alone; what is summed per stripe and then over stripes in order is the same with any number of threads.
/// </summary>
internal static class RowBlocks
{
    /// <summary>Rows of a block.</summary>
    public const int Rows = 256;

    private const int MostStripes = 32;

    /// <summary>What a stripe does with a block of rows.</summary>
    /// <param name="stripe">Number of the stripe.</param>
    /// <param name="first">First row of the block.</param>
    /// <param name="rows">The rows, row after row.</param>
    public delegate void BlockAction(int stripe, int first, ReadOnlySpan<float> rows);

    /// <summary>Stripes of a pass that keeps <paramref name="bytesPerStripe"/> of sums in each: at most 32, at least 4, about 64 MiB in all.</summary>
    public static int Stripes(long bytesPerStripe = 0) =>
        (int)Math.Clamp((64L << 20) / Math.Max(1, bytesPerStripe), 4, MostStripes);

    /// <summary>Visits all blocks of rows: stripes in parallel, the blocks of a stripe in order.</summary>
    public static void Visit(IFeatureSource features, int stripes, int threads, BlockAction action, CancellationToken cancellationToken)
    {
        int width = features.Width;
        VisitRanges(
            features.Rows,
            stripes,
            threads,
            (stripe, first, count) =>
            {
                float[] scratch = ArrayPool<float>.Shared.Rent(count * width);
                action(stripe, first, features.Read(first, count, scratch.AsSpan(0, count * width)));
                ArrayPool<float>.Shared.Return(scratch);
            },
            cancellationToken);
    }

    /// <summary>Visits all blocks as (stripe, first row, number of rows).</summary>
    public static void VisitRanges(int rows, int stripes, int threads, Action<int, int, int> action, CancellationToken cancellationToken)
    {
        long blocks = ((long)rows + Rows - 1) / Rows;
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken };
        Run(() => Parallel.For(0, stripes, parallel, stripe =>
        {
            int end = (int)(blocks * (stripe + 1) / stripes);
            for (int block = (int)(blocks * stripe / stripes); block < end; block++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                action(stripe, block * Rows, Math.Min(Rows, rows - (block * Rows)));
            }
        }));
    }

    // A failure in a stripe is the failure of the pass; several stripes that fail at once say the same.
    private static void Run(Action pass)
    {
        try
        {
            pass();
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]);
        }
    }
}
