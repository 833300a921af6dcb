using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Routing.Tests;

public sealed class ProductKMeansTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void TheScoreOfAPath_IsTheSumOfItsGroupsNegativeSquaredDistances() =>
        Gen.Select(Gen.Int[1, 300], Gen.Int[3, 40], Gen.Int[1, 5], Gen.Int[1, 5], Gen.Int[1, 3], Gen.Int[0, 1000]).Sample(
            (rows, width, first, second, replicas, seed) =>
            {
                PathGrid grid = new([first, second], replicas);
                ImmutableArray<PathId> paths = ShardAssignmentTests.Paths(grid.Count);
                PathCodes codes = new(grid, paths);
                int groups = codes.Sizes.Length;
                FeatureMatrix features = Blobs.Noise(rows, width, seed, scale: 2, shift: 3);
                FeatureTransform transform = FeatureTransform.Fit(features, FeatureScaling.Standardized, 1);
                ImmutableArray<FeatureMatrix> books =
                    [.. codes.Sizes.Select((size, group) => Blobs.Noise(size, ProductKMeansRouter.GroupWidth(width, groups, group), seed + group))];
                ProductKMeansRouter router = new(paths, codes, books, transform, 32);
                float[] scores = new float[rows * paths.Length];
                router.Score(new RouterInput(features), 0, rows, scores);
                float[] z = new float[width];
                for (int row = 0; row < rows; row += 5)
                {
                    transform.Apply(features.Row(row), z);
                    for (int path = 0; path < paths.Length; path++)
                    {
                        double expected = 0;
                        int at = 0;
                        for (int group = 0; group < groups; group++)
                        {
                            expected -= NaiveKMeans.SquaredDistance(z.AsSpan(at, books[group].Width), books[group].Row(codes.Of(path)[group]));
                            at += books[group].Width;
                        }

                        Assert.Equal(width, at);
                        Assert.Equal(expected, scores[(row * paths.Length) + path], 1e-4 * (10 + width));
                    }
                }
            },
            iter: 40);

    [Fact]
    public void APlantedProduct_IsFound_AndCodesAreExperts()
    {
        // Each half of the feature has a topic of its own; one expert of a level sees one topic of its half.
        FeatureMatrix features = Planted();
        PathGrid grid = new([4, 3], 1);
        ProductKMeansRouter router = ProductKMeansRouterFit.Of(features, Options(grid), Cancel);
        ImmutableArray<PathId> paths = router.Route(new RouterInput(features), 2, Cancel);
        Assert.Equal(1.0, Blobs.Agreement([.. paths.Select(path => grid.ExpertsOf(path)[0])], row => row % 12 / 3));
        Assert.Equal(1.0, Blobs.Agreement([.. paths.Select(path => grid.ExpertsOf(path)[1])], row => row % 3));
        Assert.Equal(12, paths.Distinct().Count());
    }

    [Fact]
    public void WhereNotEveryProductExists_TheBestPathThatDoesIsChosen()
    {
        FeatureMatrix features = Planted();
        PathGrid grid = new([4, 3], 1);
        ImmutableArray<PathId> some = [new(0), new(4), new(8), new(9), new(11)];
        ProductKMeansRouter all = ProductKMeansRouterFit.Of(features, Options(grid), Cancel);
        ProductKMeansRouter subset = ProductKMeansRouterFit.Of(features, Options(grid) with { Paths = some }, Cancel);
        RouterInput input = new(features);
        ImmutableArray<PathId> chosen = subset.Route(input, cancellationToken: Cancel);
        for (int document = 0; document < features.Rows; document++)
        {
            ImmutableArray<float> scores = all.ScoresOf(input, document);
            Assert.Equal(some.MaxBy(path => scores[path.Value]), chosen[document]);
        }
    }

    [Fact]
    public void AThousandPaths_AreScoredByTheCentroidsOfTheirLevels()
    {
        FeatureMatrix features = Blobs.Around(40, 4000, 24, 2);
        PathGrid grid = new([32, 32], 1);
        ProductKMeansRouter router = ProductKMeansRouterFit.Of(features, Options(grid), Cancel);
        Assert.Equal(64 * 12, router.Centroids.Sum(book => book.Rows * book.Width));
        Assert.Equal(1024, router.ScoresOf(new RouterInput(features), 7).Distinct().Count());
        ShardAssignment shards = ShardAssignment.Of(router, new RouterInput(features), new ShardOptions { Threads = 2 }, Cancel);
        Assert.Equal(1024, shards.Shards.Count(shard => shard.Length > 0));
    }

    [Fact]
    public void Bytes_DoNotDependOnTheNumberOfThreads()
    {
        FeatureMatrix features = Blobs.Around(9, 6000, 21, 1);
        KMeansRouterOptions options = Options(new PathGrid([4, 5], 2));
        byte[] one = RouterBytes.Of(ProductKMeansRouterFit.Of(features, options, Cancel));
        Assert.Equal(one, RouterBytes.Of(ProductKMeansRouterFit.Of(
            features, options with { Clustering = options.Clustering with { Threads = 3 } }, Cancel)));
    }

    [Fact]
    public void FewerDimensionsThanGroups_AndFewerDocumentsThanPaths_AreRefused()
    {
        DiPaCoException narrow = Assert.Throws<DiPaCoException>(
            () => ProductKMeansRouterFit.Of(Blobs.Noise(100, 2), Options(new PathGrid([2, 2, 2], 1)), Cancel));
        Assert.Contains("2 dimensions cannot be cut into 3 groups", narrow.Message, StringComparison.Ordinal);
        DiPaCoException few = Assert.Throws<DiPaCoException>(
            () => ProductKMeansRouterFit.Of(Blobs.Noise(15, 8), Options(new PathGrid([4, 4], 1)), Cancel));
        Assert.Contains("15 documents cannot be divided among 16 paths", few.Message, StringComparison.Ordinal);
    }

    internal static KMeansRouterOptions Options(PathGrid grid) => new()
    {
        Paths = ShardAssignmentTests.Paths(grid.Count),
        Grid = grid,
        PrefixTokens = 32,
        Clustering = Blobs.Options(grid.Count),
    };

    private static FeatureMatrix Planted()
    {
        FeatureMatrix left = Blobs.Noise(4, 10, 21, 12);
        FeatureMatrix right = Blobs.Noise(3, 10, 22, 12);
        FeatureMatrix features = Blobs.Noise(1200, 20, 23);
        for (int row = 0; row < features.Rows; row++)
        {
            for (int dimension = 0; dimension < 10; dimension++)
            {
                features.Row(row)[dimension] += left.Row(row % 12 / 3)[dimension];
                features.Row(row)[10 + dimension] += right.Row(row % 3)[dimension];
            }
        }

        return features;
    }
}
