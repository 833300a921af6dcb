using DiPaCo.Core;

namespace DiPaCo.Routing.Tests;

/// <summary>Synthetic features.</summary>
internal static class Blobs
{
    /// <summary>Normal numbers.</summary>
    public static FeatureMatrix Noise(int rows, int width, long seed = 1, double scale = 1, double shift = 0)
    {
        FeatureMatrix features = new(rows, width);
        RandomStream random = new(seed, "test-noise");
        for (int row = 0; row < rows; row++)
        {
            foreach (ref float value in features.Row(row))
            {
                value = (float)(shift + (scale * random.NextGaussian()));
            }
        }

        return features;
    }

    /// <summary>Blobs of unit variance about centers of the given spread; row i belongs to blob i mod count.</summary>
    public static FeatureMatrix Around(int count, int rows, int width, double spread, long seed = 1)
    {
        FeatureMatrix centers = Noise(count, width, seed + 1000, spread);
        FeatureMatrix features = Noise(rows, width, seed);
        for (int row = 0; row < rows; row++)
        {
            for (int dimension = 0; dimension < width; dimension++)
            {
                features.Row(row)[dimension] += centers.Row(row % count)[dimension];
            }
        }

        return features;
    }

    /// <summary>The number of rows whose cluster is the most frequent one of their label's, as a share: 1 for equal partitions.</summary>
    public static double Agreement(IReadOnlyList<int> clusters, Func<int, int> labelOf) =>
        clusters.Select((cluster, row) => (cluster, label: labelOf(row)))
            .GroupBy(pair => pair.cluster)
            .Sum(group => group.GroupBy(pair => pair.label).Max(same => same.Count())) / (double)clusters.Count;

    public static byte[] Bytes(FeatureMatrix features)
    {
        using MemoryStream stream = new();
        FeatureCodec.Write(features, 32, stream);
        return stream.ToArray();
    }

    public static KMeansOptions Options(int clusters, long seed = 1) => new() { Clusters = clusters, Seed = seed };
}
