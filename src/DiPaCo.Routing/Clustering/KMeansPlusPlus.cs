using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// Greedy k-means++: each next centroid is drawn with a probability proportional to the squared distance to the nearest
/// one so far; of a few candidates the one that leaves the smallest sum of those distances is taken.
/// </summary>
internal static class KMeansPlusPlus
{
    /// <summary>Draws rows in which to seed, without replacement, in order of their numbers.</summary>
    public static FeatureMatrix Sample(IFeatureSource features, int rows, RandomStream random)
    {
        FeatureMatrix sample = new(Math.Min(rows, features.Rows), features.Width);
        float[] scratch = new float[features.Width];
        for (int row = 0, taken = 0; taken < sample.Rows; row++)
        {
            // Selection sampling: the row is taken with probability (still wanted) / (still to come).
            if (random.NextInt64(features.Rows - row) < sample.Rows - taken)
            {
                features.Read(row, 1, scratch).CopyTo(sample.Row(taken++));
            }
        }

        return sample;
    }

    /// <summary>k first centroids out of a sample, k × d. Where the sample has fewer than k distinct rows, some are equal.</summary>
    public static float[] Seed(FeatureMatrix sample, int clusters, int threads, RandomStream random, CancellationToken cancellationToken)
    {
        int width = sample.Width;
        float[] centroids = new float[clusters * width];
        float[] nearest = new float[sample.Rows];
        Array.Fill(nearest, float.PositiveInfinity);
        int candidates = 2 + (int)Math.Log(clusters);
        float[][] distances = [.. Enumerable.Range(0, candidates).Select(_ => new float[sample.Rows])];
        for (int cluster = 0; cluster < clusters; cluster++)
        {
            int[] rows = cluster == 0 ? [random.NextInt32(sample.Rows)] : Draw(nearest, candidates, random);
            Parallel.For(
                0,
                rows.Length,
                new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken },
                candidate => DistancesWith(sample, rows[candidate], nearest, distances[candidate]));
            int best = 0;
            double smallest = double.PositiveInfinity;
            for (int candidate = 0; candidate < rows.Length; candidate++)
            {
                double potential = Sum(distances[candidate]);
                (best, smallest) = potential < smallest ? (candidate, potential) : (best, smallest);
            }

            sample.Row(rows[best]).CopyTo(centroids.AsSpan(cluster * width));
            (nearest, distances[best]) = (distances[best], nearest);
        }

        return centroids;
    }

    private static int[] Draw(float[] nearest, int candidates, RandomStream random)
    {
        double potential = Sum(nearest);
        int[] rows = new int[candidates];
        for (int candidate = 0; candidate < candidates; candidate++)
        {
            rows[candidate] = potential > 0
                ? RowAt(nearest, random.NextDouble() * potential)
                : random.NextInt32(nearest.Length);
        }

        return rows;
    }

    private static int RowAt(float[] weights, double mark)
    {
        int last = 0;
        for (int row = 0; row < weights.Length; row++)
        {
            if (weights[row] > 0)
            {
                last = row;
                mark -= weights[row];
                if (mark < 0)
                {
                    break;
                }
            }
        }

        return last;
    }

    private static void DistancesWith(FeatureMatrix sample, int centroid, float[] nearest, float[] distances)
    {
        Span<float> center = sample.Row(centroid);
        for (int row = 0; row < distances.Length; row++)
        {
            distances[row] = Math.Min(nearest[row], RowMath.SquaredDistance(sample.Row(row), center));
        }
    }

    private static double Sum(float[] values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += value;
        }

        return sum;
    }
}
