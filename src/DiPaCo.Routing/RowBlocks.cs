using System.Buffers;

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

    /// <summary>Visits all blocks: stripes in parallel, the blocks of a stripe in order.</summary>
    public static void Visit(IFeatureSource features, int stripes, int threads, BlockAction action, CancellationToken cancellationToken)
    {
        int width = features.Width;
        long blocks = ((long)features.Rows + Rows - 1) / Rows;
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken };
        Parallel.For(0, stripes, parallel, stripe =>
        {
            int block = (int)(blocks * stripe / stripes);
            int end = (int)(blocks * (stripe + 1) / stripes);
            float[] scratch = ArrayPool<float>.Shared.Rent(Rows * width);
            try
            {
                for (; block < end; block++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    int first = block * Rows;
                    int count = Math.Min(Rows, features.Rows - first);
                    action(stripe, first, features.Read(first, count, scratch.AsSpan(0, count * width)));
                }
            }
            finally
            {
                ArrayPool<float>.Shared.Return(scratch);
            }
        });
    }
}
