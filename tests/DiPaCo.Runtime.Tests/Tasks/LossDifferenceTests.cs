using CsCheck;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>When a version of a path is worse than an earlier one by more than the documents explain.</summary>
public sealed class LossDifferenceTests
{
    private static Gen<int[]> Documents { get; } = Gen.Int[1, 60].Array[1, 12];

    [Fact]
    public void MeanAndStandardError_AreThoseOfTheDifferencesDocumentByDocument() => Gen.Select(Documents, Gen.Long, Gen.Long).Sample((tokens, one, other) =>
    {
        LossMatrix earlier = LossMatrices.Random(one, 1, 0, tokens);
        LossMatrix later = LossMatrices.Random(other, 1, 0, tokens);

        LossDifference found = LossDifferenceTask.Of(earlier, later);

        double[] differences = [.. tokens.Select((_, d) => (double)later.Cells[d] - earlier.Cells[d])];
        double ratio = differences.Sum() / tokens.Sum();
        Assert.Equal(tokens.Length, found.Documents);
        Assert.Equal(ratio, found.Mean, 1e-9);
        if (tokens.Length == 1)
        {
            Assert.Null(found.StandardError);
            Assert.False(found.IsBeyond(1));
            return;
        }

        // Linearised: document d contributes (d − r·t) / mean(t), and the mean of n such numbers has the error s / √n.
        double meanTokens = tokens.Average();
        double[] influence = [.. differences.Select((difference, d) => (difference - (ratio * tokens[d])) / meanTokens)];
        double variance = influence.Sum(value => value * value) / (influence.Length - 1);
        Assert.Equal(Math.Sqrt(variance / influence.Length), found.StandardError!.Value, 1e-9);
    });

    [Fact]
    public void TheSameLosses_AreNoDifference_AndWorseByAConstantATokenIsBeyondNoise()
    {
        LossMatrix earlier = LossMatrices.Random(1, 1, 0, 10, 20, 40);
        LossMatrix later = LossMatrices.Random(1, 1, 0, 10, 20, 40);
        Assert.Equal((0, 0), (LossDifferenceTask.Of(earlier, later).Mean, LossDifferenceTask.Of(earlier, later).StandardError));
        Assert.False(LossDifferenceTask.Of(earlier, later).IsBeyond(1));

        for (int d = 0; d < 3; d++)
        {
            later.Cells[d] += 0.25f * later.Documents[d].Tokens;
        }

        LossDifference worse = LossDifferenceTask.Of(earlier, later);
        Assert.Equal(0.25, worse.Mean, 1e-6);
        Assert.True(worse.IsBeyond(1));
        Assert.True(worse.IsBeyond(0));
        Assert.False(LossDifferenceTask.Of(later, earlier).IsBeyond(1));
    }

    [Fact]
    public void WithoutAnyDifferenceButChance_OneVersionInSixIsBeyondNoise()
    {
        RandomStream random = new(1, "chance");
        int beyond = 0;
        const int Trials = 3000;
        LossMatrix zero = LossMatrices.Random(1, 1, 0, [.. Enumerable.Range(0, 40).Select(d => 5 + (d % 30))]);
        zero.Cells.AsSpan().Clear();
        for (int trial = 0; trial < Trials; trial++)
        {
            LossMatrix later = LossMatrices.Random(1, 1, 0, [.. zero.Documents.Select(document => document.Tokens)]);
            for (int d = 0; d < later.Cells.Length; d++)
            {
                later.Cells[d] = (float)(random.NextGaussian() * Math.Sqrt(later.Documents[d].Tokens));
            }

            beyond += LossDifferenceTask.Of(zero, later).IsBeyond(1) ? 1 : 0;
        }

        // A normal number is above one standard deviation with probability 0.159; 40 documents have slightly heavier tails.
        Assert.InRange((double)beyond / Trials, 0.13, 0.19);
    }

    [Fact]
    public void LossesOfOtherDocuments_AreRefused()
    {
        DiPaCoException refusal = Assert.Throws<DiPaCoException>(
            () => LossDifferenceTask.Of(LossMatrices.Random(1, 1, 0, 10, 20), LossMatrices.Random(1, 1, 0, 10, 21)));

        Assert.Contains("the same documents were expected", refusal.Message, StringComparison.Ordinal);
    }
}
