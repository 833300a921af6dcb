using DiPaCo.Core;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Runs;
using DiPaCo.Training;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>What is no perplexity is no result.</summary>
public sealed class EvaluationMetricsTests(ReferenceRun reference)
{
    [Theory]
    [InlineData(0, 0, 0, 0, true)]
    [InlineData(10, 7_090, 0, 0, true)]
    [InlineData(10, 7_100, 0, 0, false)]
    [InlineData(10, 7_000, 10, 7_300, false)]
    [InlineData(0, 0, 10, 7_100, false)]
    [InlineData(10, double.NaN, 0, 0, false)]
    [InlineData(10, double.PositiveInfinity, 0, 0, false)]
    [InlineData(10, 30, 10, double.NaN, false)]
    [InlineData(-1, 30, 0, 0, false)]
    public void ALossWhosePerplexityIsNoNumber_IsNotSound(long tokens, double loss, long prefixTokens, double prefixLoss, bool isSound)
    {
        EvaluationMetrics scored = new(1, tokens, loss, prefixTokens, prefixLoss, 100);

        Assert.Equal(isSound, scored.AreSound());
        Assert.Equal(isSound ? null : typeof(NonFiniteStepException), Record.Exception(scored.ThrowUnlessSound)?.GetType());
    }

    [Fact]
    public void ARowOfATable_IsRefusedAndNamed()
    {
        EvaluationMetrics scored = new(1, 10, 7_100, 0, 0, 100);

        DiPaCoException refusal = Assert.Throws<DiPaCoException>(() => Evaluator.Row(
            ModelKind.RoutedRandom, reference.View.Topology, reference.View.Config.Topology, new TrainingCost(TrainMetrics.None, 0), scored));

        Assert.StartsWith("'DiPaCo 2×2 + path-private, random router' has a loss of 710 nats a token, which has no finite perplexity.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AScoredDocument_HasALossThatAFileCanHold()
    {
        Assert.Equal(3f, LossTally.Finite(3, new PathId(1)));
        Assert.Contains("1E+39 nats under path 1", Assert.Throws<NonFiniteStepException>(() => LossTally.Finite(1e39, new PathId(1))).Message, StringComparison.Ordinal);
    }
}
