using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Routing.Tests;

public sealed class GreedyFillTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void DocumentsChooseInOrderOfTheirBestScore_AsANaiveLoopDoes() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[0, 600], Gen.Double[1, 2], Gen.Int[0, 1000], Gen.Int[1, 3]).Sample(
            (paths, more, factor, seed, threads) =>
            {
                // Rounded features, so that some documents score the same.
                FeatureMatrix features = Blobs.Around(3, paths + more, 3, 2, seed);
                for (int row = 0; row < features.Rows; row++)
                {
                    foreach (ref float value in features.Row(row))
                    {
                        value = MathF.Round(value);
                    }
                }

                KMeansRouter router = new(ShardAssignmentTests.Paths(paths), Blobs.Noise(paths, 3, seed, 2), ShardAssignmentTests.Identity(3), 32);
                RouterInput input = new(features);
                ShardOptions options = new() { MinimumShare = 0, CapacityFactor = factor, Balance = ShardBalance.Greedy, Threads = threads };
                ShardAssignment shards = ShardAssignment.Of(router, input, options);
                int[] expected = Naive(router, input, (int)Math.Min(features.Rows, Math.Ceiling(factor * features.Rows / paths)));
                // No shard stays empty, which may move a document afterwards: then only the limit is compared.
                bool untouched = Enumerable.Range(0, paths).All(path => expected.Contains(path));
                for (int path = 0; path < paths; path++)
                {
                    Assert.True(shards.Shards[path].Length <= Math.Ceiling(factor * features.Rows / paths));
                    if (untouched)
                    {
                        Assert.Equal(Enumerable.Range(0, features.Rows).Where(document => expected[document] == path), shards.Shards[path]);
                    }
                }
            },
            iter: 80);

    [Fact]
    public void ADocumentThatFitsNowhereWell_MakesRoom_WhereTheOtherKindKeepsIt()
    {
        // Document 3 is far from both centroids, and would lose most by a move: greedy sends it away all the same.
        FeatureMatrix features = ShardAssignmentTests.Column(0, 1, 2, -30);
        KMeansRouter router = new(ShardAssignmentTests.Paths(2), ShardAssignmentTests.Column(0, 10), ShardAssignmentTests.Identity(1), 32);
        RouterInput input = new(features);
        ShardOptions options = new() { CapacityFactor = 1 };
        Assert.Equal([0, 3], ShardAssignment.Of(router, input, options, Cancel).Shards[0]);
        ShardAssignment greedy = ShardAssignment.Of(router, input, options with { Balance = ShardBalance.Greedy }, Cancel);
        Assert.Equal([0, 1], greedy.Shards[0]);
        Assert.Equal([2, 3], greedy.Shards[1]);
        Assert.Equal(2, greedy.Moved);
    }

    private static int[] Naive(KMeansRouter router, RouterInput input, int limit)
    {
        ImmutableArray<float>[] scores = [.. Enumerable.Range(0, input.Documents).Select(document => router.ScoresOf(input, document))];
        int[] sizes = new int[router.Paths.Length];
        int[] chosen = new int[input.Documents];
        foreach (int document in Enumerable.Range(0, input.Documents).OrderByDescending(document => scores[document].Max()).ThenBy(document => document))
        {
            int best = Enumerable.Range(0, sizes.Length).Where(path => sizes[path] < limit).MaxBy(path => (scores[document][path], -path));
            chosen[document] = best;
            sizes[best]++;
        }

        return chosen;
    }
}
