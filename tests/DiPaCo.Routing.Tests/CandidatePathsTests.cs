using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Routing.Tests;

/// <summary>The candidates of a document are the first of its paths in the order of their scores.</summary>
public sealed class CandidatePathsTests
{
    [Fact]
    public void Candidates_AreTheHighestScores_AndTheLowestIdsAmongEquals() =>
        Gen.Select(Gen.Int[1, 600], Gen.Int[1, 40], Gen.Int[0, 1000], Gen.Double[0, 1]).Sample(
            (rows, paths, seed, share) =>
            {
                int count = 1 + (int)(share * (paths - 1));
                FeatureMatrix features = Blobs.Noise(rows, 3, seed);
                FeatureMatrix centroids = Blobs.Noise(paths, 3, seed + 1);
                for (int path = 2; path < paths; path += 3)
                {
                    // Some paths are alike.
                    centroids.Row(path - 1).CopyTo(centroids.Row(path));
                }

                RouterInput input = new(features);
                KMeansRouter router = new(
                    ShardAssignmentTests.Paths(paths), centroids, FeatureTransform.Fit(features, FeatureScaling.None, 1), 32);

                PathId[] one = CandidatePaths.Of(router, input, count, 1, CancellationToken.None);
                PathId[] two = CandidatePaths.Of(router, input, count, 2, CancellationToken.None);

                Assert.Equal(one, two);
                for (int row = 0; row < rows; row += 11)
                {
                    ImmutableArray<float> scores = router.ScoresOf(input, row);
                    IEnumerable<PathId> expected = Enumerable.Range(0, paths).OrderByDescending(path => scores[path]).ThenBy(path => path)
                        .Take(count).Order().Select(path => router.Paths[path]);
                    Assert.Equal(expected, one[(row * count)..((row + 1) * count)]);
                }
            },
            iter: 50);

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void ANumberThatTheRouterDoesNotHave_IsRefused(int count)
    {
        FeatureMatrix features = Blobs.Noise(5, 3);
        KMeansRouter router = new(
            ShardAssignmentTests.Paths(3), Blobs.Noise(3, 3, 2), FeatureTransform.Fit(features, FeatureScaling.None, 1), 32);

        Assert.Throws<ArgumentOutOfRangeException>(() => CandidatePaths.Of(router, new RouterInput(features), count, 1, CancellationToken.None));
    }
}
