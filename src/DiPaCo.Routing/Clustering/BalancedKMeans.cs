using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// Clusters of equal size. The partition with the smallest inertia among those with prescribed sizes is a power diagram (Aurenhammer,
/// Hoffmann, Aronov 1998): every row belongs to the cluster with the highest −‖x − c_j‖² + offset_j. So after plain k-means this
/// alternates two steps: the offsets that even out the clusters (<see cref="BiasSearch"/>), and centroids to the means of their
/// rows. Offsets, unlike an assignment of the training rows alone, also say where a new document belongs. A pass costs what a pass of
/// k-means costs, and there is never more in memory than a block's rows × clusters.
/// <para>Equal rows cannot be told apart: they stay together here, and only balancing by document (<see cref="ShardOptions"/>) divides them.</para>
/// </summary>
public static class BalancedKMeans
{
    private const int Rounds = 8;
    private const int PassesOfRound = 24;
    private const int PassesAtEnds = 200;
    private const double LeastImprovement = 1e-3;

    /// <summary>Finds the clusters. Always reads all rows in a pass: mini-batches serve the plain k-means at the beginning only.</summary>
    /// <exception cref="DiPaCoException">There are fewer rows than clusters, or a feature is not finite or beyond 1e15.</exception>
    public static BalancedKMeansResult Fit(IFeatureSource features, KMeansOptions options, CancellationToken cancellationToken = default)
    {
        KMeansResult plain = KMeans.Fit(features, options, cancellationToken);
        double squares = KMeans.SumOfSquares(features, options.Threads, cancellationToken);
        float[] centroids = plain.Centroids.ToArray();
        float[] offsets = new float[options.Clusters];
        double[] targets = new double[options.Clusters];
        Array.Fill(targets, (double)features.Rows / options.Clusters);
        // In units of the mean squared distance to a centroid: ten exchanges rows even between clusters that are far apart; once the
        // offsets are about right, less is enough to follow the centroids.
        double distance = Math.Max(plain.Inertia / features.Rows, float.Epsilon);
        LloydPass pass = new(features, options.Clusters, options.Threads, options.Work);
        double before = double.PositiveInfinity;
        for (int round = 0; round < Rounds; round++)
        {
            Even(round == 0 ? 10 : 0.1, round == 0 ? PassesAtEnds : PassesOfRound);
            double inertia = pass.Inertia(squares, centroids);
            if (inertia >= before * (1 - LeastImprovement))
            {
                break;
            }

            pass.MoveToMeans(centroids);
            before = inertia;
        }

        Even(10, PassesAtEnds);
        return new BalancedKMeansResult(FeatureMatrix.Of(centroids, features.Width), [.. offsets], [.. pass.Counts], [.. pass.Labels]);

        // Ends with a pass at the best offsets.
        void Even(double temperature, int passes)
        {
            float[] norms = new float[options.Clusters];
            for (int cluster = 0; cluster < norms.Length; cluster++)
            {
                norms[cluster] = (float)-RowMath.SquaredNorm(centroids.AsSpan(cluster * features.Width, features.Width));
            }

            BiasSearch search = new(features, [.. centroids.Select(value => 2 * value)], norms, targets, options.Threads, options.Work);
            search.Run(offsets, temperature * distance, passes, cancellationToken);
            offsets = Centered(search.Biases);
            pass.Run(centroids, cancellationToken, offsets);
        }
    }

    // A common addition to all offsets means nothing, and small numbers are the most precise ones.
    private static float[] Centered(float[] offsets)
    {
        double mean = offsets.Sum(offset => (double)offset) / offsets.Length;
        return [.. offsets.Select(offset => (float)(offset - mean))];
    }
}
