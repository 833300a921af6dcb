using System.Buffers;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// Mini-batch k-means: a batch is assigned to the centroids as they are, then each centroid moves to the weighted mean of
/// the rows that it has received, those of earlier passes counting half as much with every pass. A batch is gathered from
/// short runs of rows out of the whole corpus, because neighbours in a corpus are alike and files want to be read in runs.
/// </summary>
internal static class MiniBatch
{
    private const int RunRows = 64;

    /// <summary>Moves the centroids over at most the given number of passes over the rows.</summary>
    /// <returns>Passes made.</returns>
    public static int Move(
        IFeatureSource features, float[] centroids, KMeansOptions options, RandomStream random, CancellationToken cancellationToken)
    {
        int[] runs = [.. Enumerable.Range(0, (features.Rows + RunRows - 1) / RunRows)];
        int runsPerBatch = Math.Max(1, options.BatchRows / RunRows);
        double[] weights = new double[options.Clusters];
        double before = double.PositiveInfinity;
        for (int pass = 1; ; pass++)
        {
            random.Shuffle<int>(runs);
            double inertia = 0;
            for (int at = 0; at < runs.Length; at += runsPerBatch)
            {
                FeatureMatrix batch = Gather(features, runs.AsSpan(at, Math.Min(runsPerBatch, runs.Length - at)));
                inertia += Step(batch, centroids, weights, options, cancellationToken);
            }

            if (pass == options.Iterations || inertia >= before * (1 - options.Tolerance))
            {
                return pass;
            }

            before = inertia;
            for (int cluster = 0; cluster < weights.Length; cluster++)
            {
                // Early rows were assigned to centroids that have since moved away.
                weights[cluster] *= 0.5;
            }
        }
    }

    private static double Step(FeatureMatrix batch, float[] centroids, double[] weights, KMeansOptions options, CancellationToken cancellationToken)
    {
        LloydPass pass = new(batch, weights.Length, options.Threads, options.Work);
        pass.Run(centroids, cancellationToken);
        double squares = 0;
        for (int row = 0; row < batch.Rows; row++)
        {
            squares += RowMath.SquaredNorm(batch.Row(row));
        }

        double inertia = pass.Inertia(squares, centroids);
        int width = batch.Width;
        for (int cluster = 0; cluster < weights.Length; cluster++)
        {
            int count = pass.Counts[cluster];
            weights[cluster] += count;
            for (int at = cluster * width; count > 0 && at < (cluster + 1) * width; at++)
            {
                double difference = pass.Sums[at] - (count * (double)centroids[at]);
                centroids[at] = (float)(centroids[at] + (difference / weights[cluster]));
            }
        }

        // A cluster that no row chose in a batch that has plenty of rows for all starts again on the farthest row.
        if (batch.Rows >= 16 * weights.Length && weights.AsSpan().IndexOfAnyInRange(0.0, 0.5) >= 0)
        {
            int[] starved = [.. weights.Select(weight => weight < 0.5 ? 0 : 1)];
            FarthestRows.Reseed(batch, pass.Labels, starved, centroids, options.Threads, cancellationToken);
        }

        return inertia;
    }

    private static FeatureMatrix Gather(IFeatureSource features, ReadOnlySpan<int> runs)
    {
        int rows = 0;
        foreach (int run in runs)
        {
            rows += RowsOf(features, run);
        }

        FeatureMatrix batch = new(rows, features.Width);
        float[] scratch = ArrayPool<float>.Shared.Rent(RunRows * features.Width);
        int to = 0;
        foreach (int run in runs)
        {
            int count = RowsOf(features, run);
            ReadOnlySpan<float> read = features.Read(run * RunRows, count, scratch.AsSpan(0, count * features.Width));
            for (int row = 0; row < count; row++)
            {
                read.Slice(row * features.Width, features.Width).CopyTo(batch.Row(to++));
            }
        }

        ArrayPool<float>.Shared.Return(scratch);
        return batch;
    }

    private static int RowsOf(IFeatureSource features, int run) => Math.Min(RunRows, features.Rows - (run * RunRows));
}
