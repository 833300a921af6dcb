using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Routing.Tests;

public sealed class ShardAssignmentTests
{
    private static readonly RandomRouter SixPaths = new(Paths(6), 1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Shards_PartitionTheDocuments_AndNoneIsBelowTheMinimum() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[0, 1500], Gen.Double[0, 1], Gen.Int[0, 1000]).Sample(
            (paths, more, share, seed) =>
            {
                FeatureMatrix features = Blobs.Around(3, paths + more, 5, 2, seed);
                ShardAssignment shards = ShardAssignment.Of(
                    Skewed(features, paths, seed), new RouterInput(features), new ShardOptions { MinimumShare = share });
                Assert.Equal(Enumerable.Range(0, features.Rows), shards.Shards.SelectMany(shard => shard).Order());
                int minimum = Math.Max(1, (int)(share * features.Rows / paths));
                Assert.All(shards.Shards, shard => Assert.True(shard.Length >= minimum));
                Assert.All(shards.Shards, shard => Assert.Equal(shard.Order(), shard));
            },
            iter: 60);

    [Fact]
    public void WithoutSmallShards_EveryDocumentKeepsItsBestPath()
    {
        FeatureMatrix features = Blobs.Around(4, 400, 5, 8);
        KMeansRouter router = Fit(features, 4);
        RouterInput input = new(features);
        ShardAssignment shards = ShardAssignment.Of(router, input, new ShardOptions { MinimumShare = 0.5 }, Cancel);
        ImmutableArray<PathId> best = router.Route(input, cancellationToken: Cancel);
        Assert.Equal(0, shards.Moved);
        Assert.All(Enumerable.Range(0, 4), path => Assert.All(shards.Shards[path], document => Assert.Equal(shards.Paths[path], best[document])));
    }

    [Fact]
    public void ASmallShard_IsRefilledWithTheDocumentsThatLoseLeast()
    {
        // Centroids 0 and 10 on a line, ten documents near 0: five have to go, the five farthest to the right.
        FeatureMatrix features = Column(0, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f);
        KMeansRouter router = new(Paths(2), Column(0, 10), Identity(1), 32);
        ShardAssignment shards = ShardAssignment.Of(router, new RouterInput(features), new ShardOptions { MinimumShare = 1 }, Cancel);
        Assert.Equal([0, 1, 2, 3, 4], shards.Shards[0]);
        Assert.Equal([5, 6, 7, 8, 9], shards.Shards[1]);
        Assert.Equal(5, shards.Moved);
    }

    [Fact]
    public void ARefill_NeverTakesFromShardsAtTheMinimum()
    {
        // Two documents lie nearest to the empty path, but their shard has no more than the minimum.
        FeatureMatrix features = Column(0, 0, 0, 0, 0, 0, 8, 8.1f);
        KMeansRouter router = new(Paths(3), Column(0, 8, 100), Identity(1), 32);
        ShardAssignment shards = ShardAssignment.Of(router, new RouterInput(features), new ShardOptions { MinimumShare = 1 }, Cancel);
        Assert.Equal([6, 7], shards.Shards[1]);
        Assert.Equal([0, 1], shards.Shards[2]);
    }

    [Fact]
    public void OneDocumentManyTimes_IsDividedAllTheSame()
    {
        FeatureMatrix features = new(100, 8);
        ShardAssignment shards = ShardAssignment.Of(
            Fit(features, 4), new RouterInput(features), new ShardOptions { MinimumShare = 0.5 }, Cancel);
        Assert.Equal(100, shards.Shards.Sum(shard => shard.Length));
        Assert.All(shards.Shards, shard => Assert.True(shard.Length >= 12));
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(1.3)]
    public void Capacity_BoundsEveryShard(double factor)
    {
        FeatureMatrix features = Blobs.Around(3, 997, 5, 2);
        ShardAssignment shards = ShardAssignment.Of(
            Skewed(features, 16, 1), new RouterInput(features), new ShardOptions { MinimumShare = 0, CapacityFactor = factor }, Cancel);
        Assert.Equal(Enumerable.Range(0, 997), shards.Shards.SelectMany(shard => shard).Order());
        Assert.All(shards.Shards, shard => Assert.True(shard.Length <= Math.Ceiling(factor * 997 / 16)));
    }

    [Fact]
    public void AFullShard_KeepsTheDocumentsThatWouldLoseMost()
    {
        FeatureMatrix features = Column(0, 1, 2, 3);
        KMeansRouter router = new(Paths(2), Column(0, 10), Identity(1), 32);
        ShardAssignment shards = ShardAssignment.Of(
            router, new RouterInput(features), new ShardOptions { CapacityFactor = 1 }, Cancel);
        Assert.Equal([0, 1], shards.Shards[0]);
        Assert.Equal([2, 3], shards.Shards[1]);
    }

    [Fact]
    public void Overlap_PutsEachDocumentIntoItsBestShards()
    {
        FeatureMatrix features = Blobs.Around(6, 600, 5, 4);
        KMeansRouter router = Fit(features, 6);
        RouterInput input = new(features);
        ShardAssignment shards = ShardAssignment.Of(router, input, new ShardOptions { Overlap = 2, MinimumShare = 0 }, Cancel);
        Assert.Equal(1200, shards.Shards.Sum(shard => shard.Length));
        for (int document = 0; document < 600; document++)
        {
            ImmutableArray<float> scores = router.ScoresOf(input, document);
            int[] best = [.. Enumerable.Range(0, 6).OrderByDescending(path => scores[path]).Take(2).Order()];
            Assert.Equal(best, Enumerable.Range(0, 6).Where(path => shards.Shards[path].Contains(document)));
        }
    }

    [Fact]
    public void Shards_DoNotDependOnTheNumberOfThreads()
    {
        FeatureMatrix features = Blobs.Around(3, 12_000, 5, 2);
        IRouter router = Skewed(features, 24, 1);
        ShardOptions options = new() { MinimumShare = 0.6, CapacityFactor = 1.5, Overlap = 2 };
        ShardAssignment one = ShardAssignment.Of(router, new RouterInput(features), options, Cancel);
        ShardAssignment seven = ShardAssignment.Of(router, new RouterInput(features), options with { Threads = 7 }, Cancel);
        Assert.True(one.Moved > 0);
        Assert.Equal(one.Shards.SelectMany(shard => shard), seven.Shards.SelectMany(shard => shard));
    }

    [Fact]
    public void FewerDocumentsThanPaths_IsRefused()
    {
        DiPaCoException refusal = Assert.Throws<DiPaCoException>(
            () => ShardAssignment.Of(SixPaths, new RouterInput(null, new ulong[5]), new ShardOptions(), Cancel));
        Assert.Contains("5 documents cannot be divided among 6 paths", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Statistics_OfPureAndEvenShards()
    {
        FeatureMatrix features = Blobs.Around(4, 400, 5, 12);
        ShardAssignment shards = ShardAssignment.Of(Fit(features, 4), new RouterInput(features), new ShardOptions(), Cancel);
        ShardStatistics statistics = ShardStatistics.Of(shards, [.. Enumerable.Range(0, 400).Select(document => document % 4)]);
        Assert.Equal(2.0, statistics.Entropy, 9);
        Assert.Equal(4.0, statistics.EffectiveShards, 9);
        Assert.Equal(1.0, statistics.Purity);
        Assert.Equal(0.0, statistics.SourceEntropy!.Value, 9);
    }

    [Fact]
    public void Statistics_OfMixedShards_ByHand()
    {
        // Shards {0, 1, 2} and {3}; sources a a b b.
        KMeansRouter router = new(Paths(2), Column(0, 10), Identity(1), 32);
        ShardAssignment shards = ShardAssignment.Of(router, new RouterInput(Column(0, 1, 2, 10)), new ShardOptions(), Cancel);
        ShardStatistics statistics = ShardStatistics.Of(shards, [0, 0, 1, 1]);
        Assert.Equal([3, 1], statistics.Sizes);
        Assert.Equal(0.8112781, statistics.Entropy, 6);
        Assert.Equal(0.75, statistics.Purity!.Value, 9);
        Assert.Equal(0.75 * 0.9182958, statistics.SourceEntropy!.Value, 6);
        Assert.Equal([2, 1], statistics.Confusion[0]);
    }

    internal static ImmutableArray<PathId> Paths(int count) => [.. Enumerable.Range(0, count).Select(path => new PathId(path))];

    internal static FeatureMatrix Column(params ReadOnlySpan<float> values)
    {
        FeatureMatrix features = new(values.Length, 1);
        for (int row = 0; row < values.Length; row++)
        {
            features.Row(row)[0] = values[row];
        }

        return features;
    }

    internal static FeatureTransform Identity(int width)
    {
        float[] ones = new float[width];
        Array.Fill(ones, 1f);
        return new FeatureTransform(new float[width], ones);
    }

    private static KMeansRouter Fit(FeatureMatrix features, int paths) => KMeansRouterFit.Of(
        features,
        new KMeansRouterOptions { Paths = Paths(paths), Grid = new PathGrid([paths], 1), PrefixTokens = 32, Clustering = Blobs.Options(paths) }).Router;

    // Centroids that are nowhere near even: some rows of the features, most of them neighbours.
    private static KMeansRouter Skewed(FeatureMatrix features, int paths, long seed)
    {
        RandomStream random = new(seed, "test-skew");
        FeatureMatrix centroids = new(paths, features.Width);
        for (int path = 0; path < paths; path++)
        {
            features.Row(random.NextInt32(features.Rows)).CopyTo(centroids.Row(path));
            centroids.Row(path)[0] += path * path;
        }

        return new KMeansRouter(Paths(paths), centroids, Identity(features.Width), 32);
    }
}
