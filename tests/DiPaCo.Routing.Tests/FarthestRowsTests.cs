using CsCheck;
using Xunit;

namespace DiPaCo.Routing.Tests;

/// <summary>Where empty clusters start again.</summary>
public sealed class FarthestRowsTests
{
    [Fact]
    public void EmptyClusters_StartOnTheFarthestRow_ThenOnTheFarthestFromThatToo_AsTheReferenceDoes() =>
        Gen.Select(Gen.Int[1, 600], Gen.Int[1, 20], Gen.Int[1, 9], Gen.Int[0, 1000], Gen.Int[1, 4]).Sample((rows, width, clusters, seed, threads) =>
        {
            FeatureMatrix features = Blobs.Noise(rows, width, seed);
            int[] labels = [.. Enumerable.Range(0, rows).Select(row => row * 7 % clusters)];
            int[] counts = [.. Enumerable.Range(0, clusters).Select(cluster => (cluster + seed) % 3 == 0 ? 0 : 5)];
            float[] centroids = Blobs.Noise(clusters, width, seed + 1).ToArray();
            float[] expected = [.. centroids];
            int reseeded = NaiveReseed(features, labels, counts, expected);

            int moved = FarthestRows.Reseed(features, labels, counts, centroids, threads, CancellationToken.None);

            Assert.Equal(reseeded, moved);
            Assert.Equal(expected, centroids);
        });

    [Fact]
    public void PlantedOutliers_GetTheEmptyClusters_TheFarthestFirst()
    {
        FeatureMatrix features = new(400, 2);
        features.Row(123)[0] = 50;
        features.Row(321)[1] = -90;
        float[] centroids = [0, 0, 1, 1, 2, 2, 3, 3];

        int moved = FarthestRows.Reseed(features, new int[400], [400, 0, 0, 0], centroids, 2, TestContext.Current.CancellationToken);

        // Every other row lies on a centroid by then: the last empty cluster stays where it is.
        Assert.Equal(2, moved);
        Assert.Equal([0, 0, 0, -90, 50, 0, 3, 3], centroids);
    }

    private static int NaiveReseed(FeatureMatrix features, int[] labels, int[] counts, float[] centroids)
    {
        int width = features.Width;
        double[] distances = [.. Enumerable.Range(0, features.Rows).Select(row =>
            NaiveKMeans.SquaredDistance(features.Row(row), centroids.AsSpan(labels[row] * width, width)))];
        int moved = 0;
        for (int cluster = 0; cluster < counts.Length; cluster++)
        {
            int farthest = Enumerable.Range(0, features.Rows).MaxBy(row => distances[row]);
            if (counts[cluster] > 0 || distances[farthest] == 0)
            {
                continue;
            }

            features.Row(farthest).CopyTo(centroids.AsSpan(cluster * width));
            distances = [.. Enumerable.Range(0, features.Rows).Select(row =>
                Math.Min(distances[row], NaiveKMeans.SquaredDistance(features.Row(row), features.Row(farthest))))];
            moved++;
        }

        return moved;
    }
}
