using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Routing.Tests;

public sealed class KMeansTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void WhateverTheFeatures_LabelsCountsAndInertiaBelongToTheCentroids() =>
        Gen.Select(Gen.Int[1, 700], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[0, 1000], Gen.Double[0, 4]).Sample(
            (rows, width, clusters, seed, spread) =>
            {
                clusters = Math.Min(clusters, rows);
                FeatureMatrix features = Blobs.Around(5, rows, width, spread, seed);
                KMeansResult result = KMeans.Fit(features, Blobs.Options(clusters, seed) with { Restarts = 2 });
                Assert.Equal(rows, result.Counts.Sum());
                for (int row = 0; row < rows; row++)
                {
                    double own = NaiveKMeans.SquaredDistance(features.Row(row), result.Centroids.Row(result.Labels[row]));
                    double nearest = Enumerable.Range(0, clusters)
                        .Min(c => NaiveKMeans.SquaredDistance(features.Row(row), result.Centroids.Row(c)));
                    Assert.True(own <= nearest + 1e-3, $"row {row}: {own} against {nearest}");
                }

                Assert.Equal(Enumerable.Range(0, clusters).Select(c => result.Labels.Count(label => label == c)), result.Counts);
                double inertia = NaiveKMeans.Inertia(features, result.Centroids);
                Assert.Equal(inertia, result.Inertia, 1e-5 * (1 + inertia + (rows * width)));
            },
            iter: 60);

    [Fact]
    public void AtTheEnd_EveryCentroidIsTheMeanOfItsRows()
    {
        FeatureMatrix features = Blobs.Around(6, 1500, 19, 3);
        KMeansResult result = KMeans.Fit(features, Blobs.Options(6) with { Tolerance = 0, Iterations = 500 }, Cancel);
        double[]?[] means = NaiveKMeans.Means(features, result.Labels, 6);
        for (int cluster = 0; cluster < 6; cluster++)
        {
            for (int dimension = 0; dimension < features.Width; dimension++)
            {
                Assert.Equal(means[cluster]![dimension], result.Centroids.Row(cluster)[dimension], 1e-5);
            }
        }
    }

    [Fact]
    public void Work_IsAComparisonWithEveryCentroid_ForEveryPass()
    {
        FeatureMatrix features = Blobs.Around(6, 500, 19, 3);
        RoutingWork work = new();
        KMeansResult result = KMeans.Fit(features, Blobs.Options(6) with { Restarts = 1, Work = work }, Cancel);

        // The last pass moves nothing.
        Assert.Equal(2.0 * 500 * 19 * 6 * (result.Iterations + 1), work.Flops);
        RoutingWork batches = new();
        KMeans.Fit(features, Blobs.Options(6) with { Restarts = 1, BatchRows = 128, Iterations = 3, Work = batches }, Cancel);
        Assert.InRange(batches.Flops, 2.0 * 500 * 19 * 6 * 2, 2.0 * 500 * 19 * 6 * 6);
        RoutingWork balanced = new();
        BalancedKMeans.Fit(features, Blobs.Options(6) with { Restarts = 1, Work = balanced }, Cancel);
        Assert.True(balanced.Flops > work.Flops);
    }

    [Theory]
    [InlineData(4, 8)]
    [InlineData(16, 64)]
    [InlineData(40, 33)]
    public void SeparatedBlobs_AreFoundExactly(int blobs, int width)
    {
        FeatureMatrix features = Blobs.Around(blobs, 60 * blobs, width, 12);
        KMeansResult result = KMeans.Fit(features, Blobs.Options(blobs), Cancel);
        Assert.Equal(1.0, Blobs.Agreement(result.Labels, row => row % blobs));
        Assert.All(result.Counts, count => Assert.Equal(60, count));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(512)]
    public void Bytes_DoNotDependOnTheNumberOfThreads(int batchRows)
    {
        FeatureMatrix features = Blobs.Around(9, 20_000, 21, 1);
        KMeansOptions options = Blobs.Options(12) with { BatchRows = batchRows, Iterations = 8, SeedingRows = 500 };
        KMeansResult one = KMeans.Fit(features, options, Cancel);
        foreach (int threads in new[] { 2, 7 })
        {
            KMeansResult several = KMeans.Fit(features, options with { Threads = threads }, Cancel);
            Assert.Equal(Blobs.Bytes(one.Centroids), Blobs.Bytes(several.Centroids));
            Assert.Equal(one.Labels, several.Labels);
            Assert.Equal(one.Inertia, several.Inertia);
        }
    }

    [Fact]
    public void Seed_DecidesTheResult()
    {
        FeatureMatrix features = Blobs.Noise(2000, 10);
        byte[] Centroids(long seed) => Blobs.Bytes(KMeans.Fit(features, Blobs.Options(8, seed) with { Restarts = 1 }, Cancel).Centroids);
        Assert.Equal(Centroids(3), Centroids(3));
        Assert.NotEqual(Centroids(3), Centroids(4));
    }

    [Fact]
    public void MoreRestarts_NeverRaiseTheInertia()
    {
        FeatureMatrix features = Blobs.Around(20, 3000, 6, 3);
        int[] starts = [1, 2, 4, 8];
        double[] inertias = [.. starts.Select(restarts =>
            KMeans.Fit(features, Blobs.Options(20) with { Restarts = restarts }, Cancel).Inertia)];
        Assert.Equal(inertias.OrderDescending(), inertias);
    }

    [Fact]
    public void MiniBatches_ComeNearLloyd()
    {
        FeatureMatrix features = Blobs.Around(10, 20_000, 16, 4);
        KMeansResult lloyd = KMeans.Fit(features, Blobs.Options(10), Cancel);
        KMeansResult batches = KMeans.Fit(features, Blobs.Options(10) with { BatchRows = 1024, Iterations = 5 }, Cancel);
        Assert.InRange(batches.Inertia, lloyd.Inertia * 0.999, lloyd.Inertia * 1.01);
    }

    [Fact]
    public void MiniBatches_OfACorpusInOrder_FindTheBlobs()
    {
        // As in a corpus that lists one source after the other.
        FeatureMatrix mixed = Blobs.Around(8, 16_000, 16, 8);
        FeatureMatrix ordered = new(mixed.Rows, mixed.Width);
        for (int row = 0; row < mixed.Rows; row++)
        {
            mixed.Row((row % 2000 * 8) + (row / 2000)).CopyTo(ordered.Row(row));
        }

        KMeansResult result = KMeans.Fit(ordered, Blobs.Options(8) with { BatchRows = 512, Iterations = 4 }, Cancel);
        Assert.Equal(1.0, Blobs.Agreement(result.Labels, row => row / 2000));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(512)]
    public void RowsFarFromTheSeedingSample_StillGetAClusterOfTheirOwn(int batchRows)
    {
        // Four values that every sample has, and a dozen distant rows among 40,000 of which the thousand that are seeded from have
        // hardly any: centroids begin on equal rows, stay empty, and have to be won from the distant rows.
        const int Outliers = 12;
        FeatureMatrix features = new(40_000, 4);
        for (int row = 0; row < features.Rows; row++)
        {
            features.Row(row).Fill(row % 4);
        }

        for (int outlier = 0; outlier < Outliers; outlier++)
        {
            features.Row(1000 + (outlier * 3001))[outlier % 4] = 100 * (outlier + 1);
        }

        KMeansOptions options = Blobs.Options(4 + Outliers) with { SeedingRows = 0, Restarts = 1, BatchRows = batchRows };
        KMeansResult result = KMeans.Fit(features, options, Cancel);

        Assert.Equal(Enumerable.Repeat(1, Outliers), result.Counts.Order().Take(Outliers));
        Assert.InRange(result.Inertia, 0, 1);
    }

    [Fact]
    public void AMiniBatchsCentroid_ThatNoRowIsNear_StartsAgainOnTheFarthestRow()
    {
        FeatureMatrix features = new(256, 2);
        features.Row(77)[1] = 30;
        float[] centroids = [0, 0, 500, 500];

        MiniBatch.Move(features, centroids, Blobs.Options(2) with { BatchRows = 256, Iterations = 1 }, new RandomStream(1, "test-batch"), Cancel);

        Assert.Equal([0, 30], centroids[2..]);
    }

    [Fact]
    public void OneRowManyTimes_IsOneClusterAndEmptyOnes()
    {
        FeatureMatrix features = new(50, 20);
        for (int row = 0; row < 50; row++)
        {
            features.Row(row).Fill(0.1f);
        }

        KMeansResult result = KMeans.Fit(features, Blobs.Options(4), Cancel);
        Assert.Equal([50, 0, 0, 0], result.Counts.OrderDescending());
        Assert.InRange(result.Inertia, 0, 1e-5);
    }

    [Fact]
    public void AsManyDistinctRowsAsClusters_EachHasItsOwn()
    {
        FeatureMatrix features = new(90, 3);
        for (int row = 0; row < 90; row++)
        {
            features.Row(row).Fill(row % 9);
        }

        KMeansResult result = KMeans.Fit(features, Blobs.Options(9), Cancel);
        Assert.All(result.Counts, count => Assert.Equal(10, count));
        Assert.InRange(result.Inertia, 0, 1e-3);
    }

    [Fact]
    public void FewerRowsThanClusters_IsRefused()
    {
        DiPaCoException refusal = Assert.Throws<DiPaCoException>(() => KMeans.Fit(Blobs.Noise(3, 5), Blobs.Options(4), Cancel));
        Assert.Contains("3 documents cannot be divided into 4 clusters", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(1e20f)]
    public void NumbersThatCannotBeSquared_AreRefusedByName(float value)
    {
        FeatureMatrix features = Blobs.Noise(1000, 7);
        features.Row(613)[5] = value;
        DiPaCoException refusal = Assert.Throws<DiPaCoException>(() => KMeans.Fit(features, Blobs.Options(4) with { Threads = 2 }, Cancel));
        Assert.Contains("Feature 5 of row 613", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancellation_EndsTheSearch()
    {
        using CancellationTokenSource source = new();
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => KMeans.Fit(Blobs.Noise(1000, 7), Blobs.Options(4), source.Token));
    }
}
