using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class ShardOrderTests
{
    private static readonly int[] Lengths = [.. Enumerable.Range(0, 103).Select(i => 32 + (i * 37 % 200))];

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Step_IsTheSame_WhetherReachedOrJumpedTo(int window)
    {
        var options = new ShardOrderOptions(Seed: 5, new PathId(3), BatchSize: 8, window);
        var walking = new ShardOrder(options, Lengths);
        int[][] steps = [.. Enumerable.Range(0, 100).Select(step => walking.Step(step).ToArray())];

        var jumping = new ShardOrder(options, Lengths);
        foreach (int step in new[] { 57, 3, 99, 12, 13, 0 })
        {
            Assert.Equal(steps[step], jumping.Step(step).ToArray());
            Assert.Equal(steps[step], new ShardOrder(options, Lengths).Step(step).ToArray());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void EveryEpoch_HasEverySequenceOnce_AcrossStepBorders(int window)
    {
        // 103 steps of 8 are 8 epochs of 103; windows of 4 steps keep whole epochs together only in sum.
        var order = new ShardOrder(new ShardOrderOptions(5, new PathId(3), 8, window), Lengths);
        int[] all = [.. Enumerable.Range(0, 104).SelectMany(step => order.Step(step).ToArray())];

        Assert.All(all.Take(8 * 103).GroupBy(sequence => sequence), group => Assert.InRange(group.Count(), window == 1 ? 8 : 7, window == 1 ? 8 : 9));
        if (window == 1)
        {
            int[][] epochs = [.. all.Take(8 * 103).Chunk(103)];
            Assert.All(epochs, epoch => Assert.Equal(Enumerable.Range(0, 103), epoch.Order()));
            Assert.Equal(8, epochs.Select(epoch => string.Join(' ', epoch)).Distinct().Count());
        }
    }

    [Fact]
    public void PathsAndSeeds_HaveOrdersOfTheirOwn()
    {
        string First(long seed, int path) => string.Join(' ', new ShardOrder(new ShardOrderOptions(seed, new PathId(path), 50), Lengths).Step(0).ToArray());

        Assert.Equal(4, new[] { First(1, 1), First(1, 2), First(2, 1), First(2, 2) }.Distinct().Count());
        Assert.Equal(First(1, 1), First(1, 1));
    }

    [Fact]
    public void FirstStep_IsFrozen()
    {
        // A change here changes every model that is trained: it would be another format, not a fix.
        int[] step = new ShardOrder(new ShardOrderOptions(1, new PathId(0), 8), Lengths).Step(0).ToArray();

        int[] expected = [.. Enumerable.Range(0, 103)];
        new RandomStream(1, "batch-order", 0, 0).Shuffle<int>(expected);
        Assert.Equal(expected[..8], step);
    }

    [Theory]
    [InlineData(20, 16)]
    [InlineData(103, 8)]
    [InlineData(64, 4)]
    public void NoStep_RepeatsASequence_ButWhereOneEpochEndsAndTheNextBegins(int sequences, int batch)
    {
        int[] lengths = [.. Enumerable.Range(0, sequences).Select(i => 32 + (i * 37 % 200))];
        var order = new ShardOrder(new ShardOrderOptions(5, new PathId(3), batch, LengthWindow: 16), lengths);

        for (int step = 0; step < 200; step++)
        {
            long first = (long)step * batch;
            bool border = first / sequences != (first + batch - 1) / sequences;
            int distinct = order.Step(step).ToArray().Distinct().Count();
            Assert.True(border ? distinct >= batch / 2 : distinct == batch, $"step {step}: {distinct} of {batch}");
        }
    }

    [Fact]
    public void LengthWindow_PutsLikeWithLike()
    {
        int[] many = [.. Enumerable.Range(0, 1030).Select(i => 32 + (i * 37 % 200))];
        int Waste(int window)
        {
            var order = new ShardOrder(new ShardOrderOptions(1, new PathId(0), 8, window), many);
            return Enumerable.Range(0, 48).Sum(step =>
            {
                int[] lengths = [.. order.Step(step).ToArray().Select(sequence => many[sequence])];
                return lengths.Sum(length => lengths.Max() - length);
            });
        }

        Assert.True(Waste(8) < Waste(1) / 2);
    }

    [Fact]
    public void EmptyShard_IsRefused() => Assert.Contains(
        "shard of path 7 has no document longer than the prefix",
        Assert.Throws<DiPaCoException>(() => new ShardOrder(new ShardOrderOptions(1, new PathId(7), 8), [])).Message);
}
