using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Routing.Tests;

public sealed class ResidualKMeansTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Scores_AreThoseOfTheDefinition_AndTheGreedyPathHasTheHighest() =>
        Gen.Select(Gen.Int[1, 200], Gen.Int[1, 30], Gen.Int[1, 5], Gen.Int[1, 5], Gen.Int[1, 3], Gen.Int[0, 1000]).Sample(
            (rows, width, first, second, replicas, seed) =>
            {
                PathGrid grid = new([first, second], replicas);
                ImmutableArray<PathId> paths = Some(grid, seed);
                PathCodes codes = new(grid, paths);
                FeatureMatrix features = Blobs.Noise(rows, width, seed, scale: 2);
                ImmutableArray<FeatureMatrix> books = [.. codes.Sizes.Select((size, group) => Blobs.Noise(size, width, seed + group, 1.5))];
                ResidualKMeansRouter router = new(paths, codes, books, ShardAssignmentTests.Identity(width), 32);
                float[] scores = new float[rows * paths.Length];
                router.Score(new RouterInput(features), 0, rows, scores);
                for (int row = 0; row < rows; row += 3)
                {
                    double[] expected = Naive(features.Row(row), codes, books, paths.Length, out int greedy);
                    float[] own = scores[(row * paths.Length)..((row + 1) * paths.Length)];
                    Assert.Equal(own.Max(), own[greedy]);
                    for (int path = 0; path < paths.Length; path++)
                    {
                        Assert.Equal(expected[path], own[path], 1e-4 * (10 + width));
                    }
                }
            },
            iter: 60);

    [Fact]
    public void TheSecondLevel_ClustersWhatTheFirstLeaves()
    {
        // Coarse topics, and within each of them the same three fine ones: the whole feature carries both.
        FeatureMatrix coarse = Blobs.Noise(4, 16, 31, 20);
        FeatureMatrix fine = Blobs.Noise(3, 16, 32, 5);
        FeatureMatrix features = Blobs.Noise(1200, 16, 33, 0.5);
        for (int row = 0; row < features.Rows; row++)
        {
            for (int dimension = 0; dimension < 16; dimension++)
            {
                features.Row(row)[dimension] += coarse.Row(row % 12 / 3)[dimension] + fine.Row(row % 3)[dimension];
            }
        }

        PathGrid grid = new([4, 3], 1);
        ResidualKMeansRouter router = ResidualKMeansRouterFit.Of(
            features, ProductKMeansTests.Options(grid) with { Scaling = FeatureScaling.None }, Cancel);
        ImmutableArray<PathId> paths = router.Route(new RouterInput(features), cancellationToken: Cancel);
        Assert.Equal(1.0, Blobs.Agreement([.. paths.Select(path => grid.ExpertsOf(path)[0])], row => row % 12 / 3));
        Assert.Equal(1.0, Blobs.Agreement([.. paths.Select(path => grid.ExpertsOf(path)[1])], row => row % 3));
    }

    [Fact]
    public void EveryCentroid_IsTheMeanOfWhatTheLevelsBeforeLeave_InAGridOfThreeLevelsWithMissingPaths()
    {
        FeatureMatrix features = Blobs.Around(12, 3000, 9, 3);
        PathGrid grid = new([3, 2, 2], 1);
        ImmutableArray<PathId> paths = [new(0), new(3), new(5), new(6), new(8), new(10), new(11)];
        KMeansRouterOptions options = ProductKMeansTests.Options(grid) with { Paths = paths };
        ResidualKMeansRouter router = ResidualKMeansRouterFit.Of(
            features, options with { Clustering = options.Clustering with { Tolerance = 0, Iterations = 1000 } }, Cancel);
        float[] z = new float[9];
        float[] residual = new float[9];
        for (int group = 0; group < 3; group++)
        {
            // Of k-means itself: the nearest code, whether or not a path has it after the codes before.
            double[,] sums = new double[router.Codes.Sizes[group], 9];
            int[] counts = new int[router.Codes.Sizes[group]];
            for (int row = 0; row < features.Rows; row++)
            {
                router.Transform.Apply(features.Row(row), z);
                _ = Naive(z, router.Codes, router.Centroids, paths.Length, out int greedy);
                z.CopyTo(residual, 0);
                for (int before = 0; before < group; before++)
                {
                    RowMath.Subtract(residual, router.Centroids[before].Row(router.Codes.Of(greedy)[before]));
                }

                int nearest = Enumerable.Range(0, counts.Length).MinBy(code => NaiveKMeans.SquaredDistance(residual, router.Centroids[group].Row(code)));
                counts[nearest]++;
                for (int dimension = 0; dimension < 9; dimension++)
                {
                    sums[nearest, dimension] += residual[dimension];
                }
            }

            for (int code = 0; code < counts.Length; code++)
            {
                for (int dimension = 0; dimension < 9; dimension++)
                {
                    Assert.Equal(sums[code, dimension] / counts[code], router.Centroids[group].Row(code)[dimension], 1e-4);
                }
            }
        }
    }

    [Fact]
    public void Bytes_DoNotDependOnTheNumberOfThreads()
    {
        FeatureMatrix features = Blobs.Around(9, 6000, 21, 1);
        KMeansRouterOptions options = ProductKMeansTests.Options(new PathGrid([4, 5], 2));
        byte[] one = RouterBytes.Of(ResidualKMeansRouterFit.Of(features, options, Cancel));
        Assert.Equal(one, RouterBytes.Of(ResidualKMeansRouterFit.Of(
            features, options with { Clustering = options.Clustering with { Threads = 3 } }, Cancel)));
    }

    // About half of the paths, among them one of every code.
    private static ImmutableArray<PathId> Some(PathGrid grid, long seed)
    {
        RandomStream random = new(seed, "test-paths");
        HashSet<(int, int)> seen = [];
        List<PathId> some = [];
        for (int id = 0; id < grid.Count; id++)
        {
            int[] codes = [.. grid.ExpertsOf(new PathId(id)), id % grid.Replicas];
            bool isNew = false;
            for (int group = 0; group < codes.Length; group++)
            {
                isNew |= seen.Add((group, codes[group]));
            }

            if (isNew || random.NextInt32(2) == 0)
            {
                some.Add(new PathId(id));
            }
        }

        return [.. some];
    }

    // As the class says it, in double precision, one level after the other.
    private static double[] Naive(ReadOnlySpan<float> z, PathCodes codes, ImmutableArray<FeatureMatrix> books, int paths, out int greedy)
    {
        double[] residual = new double[z.Length];
        for (int t = 0; t < z.Length; t++)
        {
            residual[t] = z[t];
        }

        double[] regret = new double[paths];
        List<int> left = [.. Enumerable.Range(0, paths)];
        for (int group = 0; group < books.Length; group++)
        {
            Dictionary<int, double> error = [];
            foreach (int path in left)
            {
                int code = codes.Of(path)[group];
                error[code] = Error(residual, books[group].Row(code));
            }

            int best = error.MinBy(pair => pair.Value).Key;
            foreach (int path in left)
            {
                regret[path] = error[codes.Of(path)[group]] - error[best];
            }

            left.RemoveAll(path => codes.Of(path)[group] != best);
            for (int t = 0; t < residual.Length; t++)
            {
                residual[t] -= books[group].Row(best)[t];
            }
        }

        greedy = left.Single();
        double[] scores = new double[paths];
        for (int path = 0; path < paths; path++)
        {
            double[] sum = new double[z.Length];
            for (int t = 0; t < z.Length; t++)
            {
                sum[t] = z[t];
                for (int group = 0; group < books.Length; group++)
                {
                    sum[t] -= books[group].Row(codes.Of(path)[group])[t];
                }
            }

            scores[path] = -sum.Sum(value => value * value);
        }

        double highest = scores[greedy];
        return [.. scores.Select((score, path) => Math.Min(score, highest) - regret[path])];
    }

    private static double Error(double[] residual, ReadOnlySpan<float> centroid)
    {
        double error = 0;
        for (int t = 0; t < residual.Length; t++)
        {
            error += (residual[t] - centroid[t]) * (residual[t] - centroid[t]);
        }

        return error;
    }
}
