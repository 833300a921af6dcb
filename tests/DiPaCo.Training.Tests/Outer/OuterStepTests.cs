using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Training.Tests.Outer;

public sealed class OuterStepTests
{
    private static readonly OuterStepOptions Identity = new(LearningRate: 1, Momentum: 0, Scale: 1);

    private static readonly Gen<float> Finite = Gen.Float.Where(float.IsFinite);

    // Every length modulo the width of a vector.
    private static readonly Gen<int> Lengths = Gen.OneOf(Gen.Int[1, 40], Gen.Const(1000));

    [Fact]
    public void AnyModule_OverSeveralPhases_FollowsThePrintedFormula() =>
        Gen.Select(Lengths, Gen.Int[1, 6], Gen.Double[0.1, 1.5], Gen.Double[0, 0.95], Gen.Double[0.25, 4], Gen.Int)
            .Sample((length, paths, learningRate, momentum, scale, seed) =>
            {
                OuterStepOptions options = new(learningRate, momentum, scale);
                RandomStream random = new(seed, "outer step");
                float[] parameters = Gaussian(random, length);
                float[] moments = new float[length];
                double[] expected = [.. parameters.Select(value => (double)value)];
                double[] expectedMoments = new double[length];
                for (int phase = 0; phase < 4; phase++)
                {
                    double[] shares = [.. Enumerable.Range(0, paths).Select(_ => 0.05 + random.NextDouble())];
                    (float[] Parameters, double Weight)[] ends =
                        [.. shares.Select(share => (Gaussian(random, length), share / shares.Sum()))];
                    (expected, expectedMoments) = NaiveOuterStep.Of(expected, expectedMoments, ends, options);
                    Apply(parameters, moments, options, ends);
                }

                // Parameters and momentum are rounded to single precision after each phase.
                double rounding = 1e-5 * (expected.Max(Math.Abs) + expectedMoments.Max(Math.Abs));
                for (int i = 0; i < length; i++)
                {
                    Assert.Equal(expected[i], parameters[i], rounding);
                    Assert.Equal(expectedMoments[i], moments[i], rounding);
                }
            });

    [Fact]
    public void UnequalShards_WithRescaling_GiveTheHandComputedStep()
    {
        // Shards of 30 and 10 tokens: α = 3/4 and 1/4. P = 2, so √P = 1.41421356.
        // Δ = √2 (3/4 (1 − 0) + 1/4 (1 − 2)) = √2 / 2 = 0.70710678
        // m = 0.9 · 0.5 + 0.70710678 = 1.15710678
        // θ = 1 − 0.7 (0.70710678 + 0.9 · 1.15710678) = −0.22395202
        ImmutableArray<double> weights = OuterWeighting.Normalise(OuterWeights.ShardSize, [30, 10]);
        double scale = OuterWeighting.Scale(OuterRescaling.SquareRoot, paths: 2, maxPaths: 4);
        float[] parameters = [1];
        float[] momentum = [0.5f];

        Apply(parameters, momentum, new OuterStepOptions(0.7, 0.9, scale), ([0], weights[0]), ([2], weights[1]));

        Assert.Equal(1.15710678, momentum[0], 1e-6);
        Assert.Equal(-0.22395202, parameters[0], 1e-6);
    }

    [Fact]
    public void OnePath_WithUnitStepAndNoMomentum_LeavesItsParametersBitForBit() =>
        Gen.Select(Finite.Array[1, 40], Finite.Array[40]).Sample((end, start) =>
        {
            float[] parameters = start[..end.Length];
            Apply(parameters, new float[end.Length], Identity, (end, 1.0));
            AssertSameBits(end, parameters);
        });

    [Theory]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(19)]
    public void OnePath_WithUnitStep_KeepsNegativeZeroDenormalsAndExtremes(int length)
    {
        float[] odd = [-0f, 0f, float.Epsilon, -float.Epsilon, 1e-40f, float.MaxValue, float.MinValue, 1e-38f, -1e-38f];
        float[] end = [.. Enumerable.Range(0, length).Select(i => odd[i % odd.Length])];
        float[] parameters = [.. Enumerable.Repeat(1f, length)];

        Apply(parameters, new float[length], Identity, (end, 1.0));

        AssertSameBits(end, parameters);
    }

    [Fact]
    public void IdenticalContributions_AverageToAnySingleOne() =>
        Gen.Select(Lengths, Gen.Int[1, 5], Gen.Int).Sample((length, log2Paths, seed) =>
        {
            RandomStream random = new(seed, "identical");
            float[] end = Gaussian(random, length);
            float[] parameters = Gaussian(random, length);
            int paths = 1 << log2Paths;

            Apply(parameters, new float[length], Identity, [.. Enumerable.Repeat((end, 1.0 / paths), paths)]);

            AssertSameBits(end, parameters);
        });

    [Fact]
    public void EmptyContribution_ContributesNothing_WhateverIsInIt()
    {
        float[] parameters = [1, 2, -0f];
        float[] same = [1, 2, -0f];
        float[] momentum = new float[3];
        float[] sameMomentum = new float[3];
        OuterStepOptions options = new(0.7, 0.9, 1);

        Apply(parameters, momentum, options, ([3, 4, -0f], 1.0), ([float.NaN, float.PositiveInfinity, 5], 0.0));
        Apply(same, sameMomentum, options, ([3, 4, -0f], 1.0));

        AssertSameBits(same, parameters);
        AssertSameBits(sameMomentum, momentum);
    }

    [Fact]
    public void VectorsAndSingleNumbers_GiveTheSameBits() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int).Sample((length, seed) =>
        {
            RandomStream random = new(seed, "tails");
            OuterStepOptions options = new(0.7, 0.9, Math.Sqrt(3));
            float[] parameters = Gaussian(random, length);
            float[] momentum = Gaussian(random, length);
            (float[], double)[] ends = [(Gaussian(random, length), 0.3), (Gaussian(random, length), 0.2), (Gaussian(random, length), 0.5)];
            float[] alone = [.. parameters];
            float[] aloneMomentum = [.. momentum];

            Apply(parameters, momentum, options, ends);
            for (int i = 0; i < length; i++)
            {
                float[] one = [alone[i]];
                float[] oneMomentum = [aloneMomentum[i]];
                Apply(one, oneMomentum, options, [.. ends.Select(end => (new[] { end.Item1[i] }, end.Item2))]);
                (alone[i], aloneMomentum[i]) = (one[0], oneMomentum[0]);
            }

            AssertSameBits(alone, parameters);
            AssertSameBits(aloneMomentum, momentum);
        });

    [Fact]
    public void AnotherLength_IsRefused()
    {
        OuterStep step = new(3);

        Assert.Throws<ArgumentOutOfRangeException>(() => step.Fold(new float[3], new float[2], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Apply(new float[3], new float[4], Identity));
    }

    private static void Apply(float[] parameters, float[] momentum, OuterStepOptions options, params (float[] Parameters, double Weight)[] paths)
    {
        OuterStep step = new(parameters.Length);
        foreach ((float[] end, double weight) in paths)
        {
            step.Fold(parameters, end, weight);
        }

        step.Apply(parameters, momentum, options);
    }

    private static float[] Gaussian(RandomStream random, int length) =>
        [.. Enumerable.Range(0, length).Select(_ => (float)random.NextGaussian())];

    private static void AssertSameBits(float[] expected, float[] actual) =>
        Assert.Equal(expected.Select(BitConverter.SingleToUInt32Bits), actual.Select(BitConverter.SingleToUInt32Bits));
}
