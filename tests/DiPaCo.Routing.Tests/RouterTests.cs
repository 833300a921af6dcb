using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Routing.Tests;

public sealed class RouterTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void KMeansScores_AreNegativeSquaredDistancesOfPreprocessedFeatures() =>
        Gen.Select(Gen.Int[1, 600], Gen.Int[1, 70], Gen.Int[1, 70], Gen.Int[0, 1000]).Sample(
            (rows, width, paths, seed) =>
            {
                FeatureMatrix features = Blobs.Noise(rows, width, seed, scale: 3, shift: 5);
                FeatureMatrix centroids = Blobs.Noise(paths, width, seed + 1);
                FeatureTransform transform = FeatureTransform.Fit(features, FeatureScaling.Standardized, 1);
                KMeansRouter router = new(ShardAssignmentTests.Paths(paths), centroids, transform, 32);
                float[] scores = new float[rows * paths];
                router.Score(new RouterInput(features), 0, rows, scores);
                float[] z = new float[width];
                for (int row = 0; row < rows; row += 7)
                {
                    transform.Apply(features.Row(row), z);
                    for (int path = 0; path < paths; path++)
                    {
                        Assert.Equal(-NaiveKMeans.SquaredDistance(z, centroids.Row(path)), scores[(row * paths) + path], 1e-4 * (10 + width));
                    }
                }
            },
            iter: 50);

    [Fact]
    public void OneDocument_GetsTheScoresThatItHasAmongMany()
    {
        FeatureMatrix features = Blobs.Noise(300, 40);
        KMeansRouter router = new(
            ShardAssignmentTests.Paths(37), Blobs.Noise(37, 40, 2), FeatureTransform.Fit(features, FeatureScaling.None, 1, Cancel), 32);
        RouterInput input = new(features);
        float[] all = new float[300 * 37];
        router.Score(input, 0, 300, all);
        for (int document = 0; document < 300; document++)
        {
            Assert.Equal(all.AsSpan(document * 37, 37).ToArray(), router.ScoresOf(input, document));
        }
    }

    [Fact]
    public void TheRouterOfTheTrainingDocuments_ReproducesTheirClusters()
    {
        FeatureMatrix features = Blobs.Around(7, 3000, 12, 2);
        KMeansRouterFit fit = KMeansRouterFit.Of(features, Options(7), Cancel);
        ImmutableArray<PathId> paths = fit.Router.Route(new RouterInput(features), 2, Cancel);
        Assert.Equal(fit.Clusters.Labels, paths.Select(path => path.Value));
    }

    [Fact]
    public void ARandomRouter_SpreadsEvenly_AndOnlyByOrigin()
    {
        RandomStream random = new(3, "test-origins");
        ulong[] origins = [.. Enumerable.Range(0, 40_000).Select(_ => random.NextUInt64())];
        RandomRouter router = new(ShardAssignmentTests.Paths(8), 5);
        ImmutableArray<PathId> paths = router.Route(new RouterInput(null, origins), cancellationToken: Cancel);
        // Five standard deviations of a binomial count.
        Assert.All(paths.CountBy(path => path), pair => Assert.InRange(pair.Value, 5000 - 331, 5000 + 331));
        ulong[] reversed = [.. origins.Reverse()];
        Assert.Equal(paths.Reverse(), router.Route(new RouterInput(null, reversed), cancellationToken: Cancel));
        Assert.NotEqual(paths, new RandomRouter(ShardAssignmentTests.Paths(8), 6).Route(new RouterInput(null, origins), cancellationToken: Cancel));
    }

    [Fact]
    public void Standardising_FindsTopicsThatAFewLargeDimensionsHide()
    {
        // As in hidden states: three dimensions fifty times the others that say nothing about the topic.
        FeatureMatrix features = Blobs.Around(6, 3000, 40, 1.5);
        FeatureMatrix large = Blobs.Noise(3000, 3, 9, scale: 50, shift: 200);
        for (int row = 0; row < features.Rows; row++)
        {
            large.Row(row).CopyTo(features.Row(row)[10..]);
        }

        double Agreement(FeatureScaling scaling) => Blobs.Agreement(
            KMeansRouterFit.Of(features, Options(6) with { Scaling = scaling }, Cancel).Clusters.Labels, row => row % 6);
        Assert.InRange(Agreement(FeatureScaling.None), 0, 0.5);
        Assert.InRange(Agreement(FeatureScaling.Standardized), 0.99, 1);
    }

    [Fact]
    public void Standardised_HaveMeanZeroAndVarianceOne_AndConstantDimensionsAreZero()
    {
        FeatureMatrix features = Blobs.Noise(5000, 20, 1, scale: 0.01, shift: 100);
        for (int row = 0; row < features.Rows; row++)
        {
            features.Row(row)[7] = 1e4f;
        }

        FeatureTransform transform = FeatureTransform.Fit(features, FeatureScaling.Standardized, 2, Cancel);
        float[][] z = [.. Enumerable.Range(0, features.Rows).Select(row =>
        {
            float[] one = new float[20];
            transform.Apply(features.Row(row), one);
            return one;
        })];
        for (int dimension = 0; dimension < 20; dimension++)
        {
            Assert.Equal(0, z.Average(row => row[dimension]), 1e-3);
            Assert.Equal(dimension == 7 ? 0 : 1, z.Average(row => row[dimension] * row[dimension]), 1e-2);
        }
    }

    [Fact]
    public void Grouped_LaysAPlantedGridBackOntoTheGrid()
    {
        // Cluster (i, j) lies at row_i + column_j: the right placement has all paths of an expert share a term, on both levels.
        const int K = 4;
        FeatureMatrix rows = Blobs.Noise(K, 24, 11, 10);
        FeatureMatrix columns = Blobs.Noise(K, 24, 12, 8);
        FeatureMatrix features = Blobs.Noise(K * K * 40, 24, 13);
        for (int document = 0; document < features.Rows; document++)
        {
            int cell = document % (K * K);
            for (int dimension = 0; dimension < 24; dimension++)
            {
                features.Row(document)[dimension] += rows.Row(cell / K)[dimension] + columns.Row(cell % K)[dimension];
            }
        }

        PathGrid grid = new([K, K], 1);
        KMeansRouterFit fit = KMeansRouterFit.Of(features, Options(K * K) with { Grid = grid, Order = ClusterOrder.Grouped }, Cancel);
        ImmutableArray<PathId> paths = fit.Router.Route(new RouterInput(features), cancellationToken: Cancel);
        // Which of the two levels takes the rows is free.
        bool rowsFirst = SameGroups(0, cell => cell / K);
        Assert.True(rowsFirst ? SameGroups(1, cell => cell % K) : SameGroups(0, cell => cell % K) && SameGroups(1, cell => cell / K));

        bool SameGroups(int level, Func<int, int> groupOf) =>
            Blobs.Agreement([.. paths.Select(path => grid.ExpertsOf(path)[level])], document => groupOf(document % (K * K))) == 1.0;
    }

    [Fact]
    public void Grouped_KeepsTheClusters_AndOnlyRenamesThem()
    {
        FeatureMatrix features = Blobs.Around(9, 2000, 6, 3);
        KMeansRouterOptions options = Options(9) with { Grid = new PathGrid([3, 3], 1) };
        KMeansRouterFit none = KMeansRouterFit.Of(features, options, Cancel);
        KMeansRouterFit grouped = KMeansRouterFit.Of(features, options with { Order = ClusterOrder.Grouped }, Cancel);
        string[] Sorted(KMeansRouter router) =>
            [.. Enumerable.Range(0, 9).Select(row => string.Join(' ', router.Centroids.Row(row).ToArray())).Order(StringComparer.Ordinal)];
        Assert.Equal(Sorted(none.Router), Sorted(grouped.Router));
    }

    [Fact]
    public void InputWithoutWhatTheRouterNeeds_IsAnError()
    {
        RandomRouter random = new(ShardAssignmentTests.Paths(2), 1);
        Assert.Throws<InvalidOperationException>(() => random.ScoresOf(new RouterInput(Blobs.Noise(3, 2)), 0));
        Assert.Throws<ArgumentException>(() => new RouterInput(Blobs.Noise(3, 2), new ulong[4]));
        Assert.Throws<ArgumentException>(() => new RouterInput(null));
    }

    [Fact]
    public void ARouterOfAnotherTopology_OrOfOtherFeatures_IsRefusedByName()
    {
        FeatureMatrix features = Blobs.Noise(40, 6);
        KMeansRouter router = KMeansRouterFit.Of(features, Options(4), Cancel).Router;
        RouterMatch.ThrowIfOther(router, ShardAssignmentTests.Paths(4), new RouterInput(features));
        string paths = Assert.Throws<DiPaCoException>(
            () => RouterMatch.ThrowIfOther(router, ShardAssignmentTests.Paths(9), new RouterInput(features))).Message;
        Assert.Contains("chooses among 4 paths (0, 1, 2, 3), but the model has 9 paths (0, 1, 2, 3, 4, 5, 6, 7, …)", paths, StringComparison.Ordinal);
        string width = Assert.Throws<DiPaCoException>(
            () => RouterMatch.ThrowIfOther(router, ShardAssignmentTests.Paths(4), new RouterInput(Blobs.Noise(40, 7)))).Message;
        Assert.Contains("needs 6 features of a document, but the base model gives 7", width, StringComparison.Ordinal);
        string none = Assert.Throws<DiPaCoException>(
            () => RouterMatch.ThrowIfOther(router, ShardAssignmentTests.Paths(4), new RouterInput(null, new ulong[3]))).Message;
        Assert.Contains("the documents come without", none, StringComparison.Ordinal);
        RouterMatch.ThrowIfOther(new RandomRouter(ShardAssignmentTests.Paths(2), 1), ShardAssignmentTests.Paths(2), new RouterInput(null, new ulong[3]));
    }

    [Theory]
    [InlineData("product")]
    [InlineData("residual")]
    [InlineData("balanced")]
    [InlineData("plain")]
    public void DocumentsThatAreAllTheSame_GiveFiniteScores_AndEveryPathAShard(string kind)
    {
        FeatureMatrix features = new(90, 5);
        for (int row = 0; row < 90; row++)
        {
            features.Row(row).Fill(2.5f);
        }

        RouterInput input = new(features);
        IRouter router = Fit(kind, features, new PathGrid([3, 2], 1));
        Assert.All(router.ScoresOf(input, 0), score => Assert.True(float.IsFinite(score)));
        ShardAssignment shards = ShardAssignment.Of(router, input, new ShardOptions { MinimumShare = 0.2, Overlap = 2 }, Cancel);
        Assert.All(shards.Shards, shard => Assert.True(shard.Length >= 3));
    }

    [Theory]
    [InlineData("product")]
    [InlineData("residual")]
    [InlineData("balanced")]
    [InlineData("plain")]
    public void FewerDocumentsThanPaths_AreRefused_AndAsManyAreEnough(string kind)
    {
        PathGrid grid = new([3, 2], 2);
        Assert.Contains("5 documents cannot be divided", Assert.Throws<DiPaCoException>(() => Fit(kind, Blobs.Noise(5, 6), grid)).Message, StringComparison.Ordinal);
        FeatureMatrix features = Blobs.Noise(12, 6);
        IRouter router = Fit(kind, features, grid);
        Assert.All(router.ScoresOf(new RouterInput(features), 3), score => Assert.True(float.IsFinite(score)));
        Assert.All(ShardAssignment.Of(router, new RouterInput(features), new ShardOptions(), Cancel).Shards, shard => Assert.Single(shard));
    }

    private static IRouter Fit(string kind, FeatureMatrix features, PathGrid grid)
    {
        KMeansRouterOptions options = ProductKMeansTests.Options(grid);
        return kind switch
        {
            "product" => ProductKMeansRouterFit.Of(features, options, Cancel),
            "residual" => ResidualKMeansRouterFit.Of(features, options, Cancel),
            "balanced" => BalancedKMeansRouterFit.Of(features, options, Cancel).Router,
            _ => KMeansRouterFit.Of(features, options, Cancel).Router,
        };
    }

    internal static KMeansRouterOptions Options(int paths) => new()
    {
        Paths = ShardAssignmentTests.Paths(paths),
        Grid = new PathGrid([paths], 1),
        PrefixTokens = 32,
        Clustering = Blobs.Options(paths),
    };
}
