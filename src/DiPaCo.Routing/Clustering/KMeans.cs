using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// k-means: k centroids that minimise Σ‖x − c(x)‖² (paper §2.4.1). Greedy k-means++ seeding, several starts, empty
/// clusters re-seeded. The same rows, options and seed give the same bytes with any number of threads.
/// </summary>
public static class KMeans
{
    /// <summary>Finds the clusters.</summary>
    /// <exception cref="DiPaCoException">There are fewer rows than clusters, or a feature is not finite or beyond 1e15.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static KMeansResult Fit(IFeatureSource features, KMeansOptions options, CancellationToken cancellationToken = default)
    {
        Validate(features, options);
        double squares = SumOfSquares(features, options.Threads, cancellationToken);
        int seedingRows = (int)Math.Min(features.Rows, Math.Max(options.SeedingRows, 64L * options.Clusters));
        FeatureMatrix sample = KMeansPlusPlus.Sample(features, seedingRows, new RandomStream(options.Seed, "k-means-sample"));
        KMeansResult? best = null;
        for (int restart = 0; restart < options.Restarts; restart++)
        {
            RandomStream random = new(options.Seed, "k-means-start", restart);
            float[] centroids = KMeansPlusPlus.Seed(sample, options.Clusters, options.Threads, random, cancellationToken);
            int passes = options.BatchRows > 0
                ? MiniBatch.Move(features, centroids, options, random, cancellationToken)
                : 0;
            KMeansResult result = Lloyd(features, centroids, squares, options, passes, cancellationToken);
            best = best is null || result.Inertia < best.Inertia ? result with { Restart = restart } : best;
        }

        return best!;
    }

    private static KMeansResult Lloyd(
        IFeatureSource features, float[] centroids, double squares, KMeansOptions options, int passes, CancellationToken cancellationToken)
    {
        LloydPass pass = new(features, options.Clusters, options.Threads, options.Work);
        double before = double.PositiveInfinity;
        // After mini-batches two whole passes remain: they make the centroids the means of their rows and fill empty clusters.
        int limit = options.BatchRows > 0 ? passes + 2 : options.Iterations;
        for (int iteration = passes; ; iteration++)
        {
            pass.Run(centroids, cancellationToken);
            double inertia = pass.Inertia(squares, centroids);
            bool settled = pass.Changes == 0 || inertia >= before * (1 - options.Tolerance);
            bool refilled = iteration < limit && pass.Counts.Contains(0)
                && FarthestRows.Reseed(
                    features, pass.Labels, pass.Counts, centroids, options.Threads, cancellationToken) > 0;
            if (iteration >= limit || (settled && !refilled))
            {
                return new KMeansResult(
                    FeatureMatrix.Of(centroids, features.Width), [.. pass.Counts], [.. pass.Labels], inertia, iteration, 0);
            }

            pass.MoveToMeans(centroids);
            // A re-seeded cluster may raise the sum for one iteration; it is not a reason to end.
            before = refilled ? double.PositiveInfinity : inertia;
        }
    }

    /// <summary>Σ‖x‖² over all rows, in double precision; refuses features that are not finite or too large to be squared.</summary>
    internal static double SumOfSquares(IFeatureSource features, int threads, CancellationToken cancellationToken)
    {
        double[] squares = new double[RowBlocks.Stripes()];
        RowBlocks.Visit(
            features,
            squares.Length,
            threads,
            (stripe, first, rows) =>
            {
                FeatureMoments.ThrowIfUnusable(rows, features.Width, first);
                squares[stripe] += RowMath.SquaredNorm(rows);
            },
            cancellationToken);
        return squares.Sum();
    }

    private static void Validate(IFeatureSource features, KMeansOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Clusters, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Restarts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Iterations, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Tolerance);
        ArgumentOutOfRangeException.ThrowIfNegative(options.BatchRows);
        ArgumentOutOfRangeException.ThrowIfNegative(options.SeedingRows);
        if (features.Rows < options.Clusters)
        {
            throw new DiPaCoException(
                $"{features.Rows} documents cannot be divided into {options.Clusters} clusters: every path needs at least one " +
                "document of its own. Give the run more documents, or fewer paths.");
        }
    }
}
