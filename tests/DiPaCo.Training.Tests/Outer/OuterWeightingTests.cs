using CsCheck;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Training.Tests.Outer;

public sealed class OuterWeightingTests
{
    [Fact]
    public void Weights_AddUpToOneOverThePathsOfTheModule_NotOverAllData()
    {
        // Four paths with 10, 20, 30 and 40 tokens; two modules with two paths each.
        Assert.Equal([10.0 / 30, 20.0 / 30], OuterWeighting.Normalise(OuterWeights.ShardSize, [10, 20]));
        Assert.Equal([30.0 / 70, 40.0 / 70], OuterWeighting.Normalise(OuterWeights.ShardSize, [30, 40]));
    }

    [Fact]
    public void Weights_AreShares_AndScaleWithTheShards() =>
        Gen.Long[0, 1L << 40].Array[1, 64].Where(shards => shards.Sum() > 0).Sample(shards =>
        {
            double[] weights = [.. OuterWeighting.Normalise(OuterWeights.ShardSize, shards)];

            Assert.Equal(1, weights.Sum(), 1e-12);
            Assert.All(weights.Zip(shards), entry => Assert.Equal((double)entry.Second / shards.Sum(), entry.First));
        });

    [Fact]
    public void UniformWeights_IgnoreTheShards() =>
        Assert.Equal([0.25, 0.25, 0.25, 0.25], OuterWeighting.Normalise(OuterWeights.Uniform, [0, 7, 1, 1000]));

    [Fact]
    public void EmptyShard_HasNoWeight() => Assert.Equal([0, 1], OuterWeighting.Normalise(OuterWeights.ShardSize, [0, 5]));

    [Fact]
    public void ModuleWithoutPathsOrTokens_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => OuterWeighting.Normalise(OuterWeights.Uniform, []));
        Assert.Throws<ArgumentException>(() => OuterWeighting.Normalise(OuterWeights.ShardSize, [0, 0]));
    }

    [Theory]
    [InlineData(OuterRescaling.None, 4, 16, 1)]
    [InlineData(OuterRescaling.SquareRoot, 4, 16, 2)]
    [InlineData(OuterRescaling.SquareRoot, 1, 16, 1)]
    [InlineData(OuterRescaling.Relative, 4, 16, 0.5)]
    [InlineData(OuterRescaling.Relative, 16, 16, 1)]
    public void Rescaling_IsByTheRootOfTheNumberOfPaths(OuterRescaling rule, int paths, int maxPaths, double expected) =>
        Assert.Equal(expected, OuterWeighting.Scale(rule, paths, maxPaths));
}
