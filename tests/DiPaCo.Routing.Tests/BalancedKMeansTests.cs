using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Routing.Tests;

public sealed class BalancedKMeansTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(4, 3, 3000)]
    [InlineData(16, 5, 6000)]
    [InlineData(32, 7, 4800)]
    [InlineData(6, 6, 3001)]
    public void Clusters_AreEvenWithinChance_WherePlainOnesAreNot(int clusters, int blobs, int rows)
    {
        FeatureMatrix features = Uneven(blobs, rows, 12);
        KMeansResult plain = KMeans.Fit(features, Blobs.Options(clusters), Cancel);
        BalancedKMeansResult balanced = BalancedKMeans.Fit(features, Blobs.Options(clusters) with { Threads = 2 }, Cancel);
        double target = (double)rows / clusters;
        Assert.True(plain.Counts.Max() > 1.05 * target, $"plain: {string.Join(' ', plain.Counts)}");
        Assert.All(balanced.Counts, count => Assert.InRange(count, target - BiasSearch.ToleranceOf(target), target + BiasSearch.ToleranceOf(target)));
    }

    [Fact]
    public void Labels_AreTheHighestScores_AndCountsAreTheirs()
    {
        FeatureMatrix features = Uneven(4, 2000, 6);
        BalancedKMeansResult result = BalancedKMeans.Fit(features, Blobs.Options(7), Cancel);
        for (int row = 0; row < features.Rows; row++)
        {
            double[] scores = [.. Enumerable.Range(0, 7).Select(c =>
                result.Offsets[c] - NaiveKMeans.SquaredDistance(features.Row(row), result.Centroids.Row(c)))];
            Assert.True(scores[result.Labels[row]] >= scores.Max() - 1e-3);
        }

        Assert.Equal(Enumerable.Range(0, 7).Select(c => result.Labels.Count(label => label == c)), result.Counts);
    }

    [Fact]
    public void Balance_CostsLittleInertia_OfTheBestWithTheseSizes()
    {
        // On a line, the best clusters of equal size are runs of neighbours.
        FeatureMatrix features = Blobs.Noise(900, 1, 5);
        BalancedKMeansResult result = BalancedKMeans.Fit(features, Blobs.Options(9), Cancel);
        float[] sorted = [.. Enumerable.Range(0, 900).Select(row => features.Row(row)[0]).Order()];
        double best = sorted.Chunk(100).Sum(run => run.Sum(x => Math.Pow(x - run.Average(value => (double)value), 2)));
        double found = 0;
        double[]?[] means = NaiveKMeans.Means(features, result.Labels, 9);
        for (int row = 0; row < 900; row++)
        {
            found += Math.Pow(features.Row(row)[0] - means[result.Labels[row]]![0], 2);
        }

        Assert.InRange(found, best * 0.9, best * 1.15);
    }

    [Fact]
    public void TheRouter_SendsNewDocumentsEvenlyToo()
    {
        FeatureMatrix features = Uneven(5, 12_000, 10);
        FeatureMatrix seen = features.Select([.. Enumerable.Range(0, 12_000).Where(row => row % 3 != 0)]);
        FeatureMatrix unseen = features.Select([.. Enumerable.Range(0, 12_000).Where(row => row % 3 == 0)]);
        KMeansRouterOptions options = RouterTests.Options(8);
        BalancedKMeansRouter router = BalancedKMeansRouterFit.Of(seen, options, Cancel).Router;
        int[] counts = [.. router.Route(new RouterInput(unseen), cancellationToken: Cancel).CountBy(path => path).Select(pair => pair.Value)];
        // 500 each; the borders were found with twice as many.
        Assert.Equal(8, counts.Length);
        Assert.All(counts, count => Assert.InRange(count, 350, 650));
    }

    [Fact]
    public void Bytes_DoNotDependOnTheNumberOfThreads()
    {
        FeatureMatrix features = Uneven(5, 9000, 11);
        KMeansRouterOptions options = RouterTests.Options(10);
        byte[] one = RouterBytes.Of(BalancedKMeansRouterFit.Of(features, options, Cancel).Router);
        Assert.Equal(one, RouterBytes.Of(BalancedKMeansRouterFit.Of(
            features, options with { Clustering = options.Clustering with { Threads = 3 } }, Cancel).Router));
    }

    [Fact]
    public void DocumentsThatAreAllTheSame_GiveAFiniteRouter_AndShardsByDocument()
    {
        FeatureMatrix features = new(100, 8);
        BalancedKMeansRouter router = BalancedKMeansRouterFit.Of(features, RouterTests.Options(4), Cancel).Router;
        RouterInput input = new(features);
        Assert.All(router.ScoresOf(input, 0), score => Assert.True(float.IsFinite(score)));
        ShardAssignment shards = ShardAssignment.Of(router, input, new ShardOptions { CapacityFactor = 1 }, Cancel);
        Assert.All(shards.Shards, shard => Assert.Equal(25, shard.Length));
    }

    // Blobs of very different sizes.
    private static FeatureMatrix Uneven(int blobs, int rows, int width)
    {
        FeatureMatrix centers = Blobs.Noise(blobs, width, 41, 4);
        FeatureMatrix features = Blobs.Noise(rows, width, 42);
        RandomStream random = new(43, "test-uneven");
        for (int row = 0; row < rows; row++)
        {
            int blob = 0;
            while (blob < blobs - 1 && random.NextInt32(2) == 0)
            {
                blob++;
            }

            for (int dimension = 0; dimension < width; dimension++)
            {
                features.Row(row)[dimension] += centers.Row(blob)[dimension];
            }
        }

        return features;
    }
}
