using DiPaCo.Runtime.Experiments;
using Xunit;

namespace DiPaCo.Runtime.Tests.Experiments;

public sealed class ComparedModelTests
{
    [Fact]
    public void SeveralModelsOfOneKind_AreALineEach_OverTheirOwnSeeds()
    {
        ExperimentResults results = new("table", [new RowResults("row", [Run(1, 20, 19, 18, 40), Run(2, 22, 20, 17, 44)])]);

        ComparedModel[] lines = [.. ComparedModel.Of(results)];

        Assert.Equal(["routed", "every 64", "every 16", "dense"], lines.Select(line => line.Model.Model));
        Assert.Equal([21, 19.5, 17.5, 42], lines.Select(line => line.Perplexity));
        Assert.Equal([1, 0.5, 0.5, 2], lines.Select(line => line.HalfRange));
        Assert.Equal(-0.5, lines[0].DifferenceToDense!.Value, 1e-12);
        Assert.Equal(0, lines[3].DifferenceToDense);
    }

    private static RowRun Run(long seed, double routed, double wide, double narrow, double dense) => new(
        seed, "run", "digest", 1, 1, 1,
        [
            Row(ModelKind.Routed, "routed", routed), Row(ModelKind.Rerouted, "every 64", wide), Row(ModelKind.Rerouted, "every 16", narrow),
            Row(ModelKind.DenseEqualSteps, "dense", dense),
        ],
        []);

    private static EvaluationRow Row(ModelKind kind, string model, double perplexity) => new()
    {
        Kind = kind, Model = model, Paths = 1, ParametersPerPath = 1, ParametersTotal = 1, Steps = 1, TrainingTokens = 1, TrainingFlops = 1,
        Perplexity = perplexity, PerplexityWithPrefix = perplexity, BitsPerByte = 1, ScoredTokens = 1,
    };
}
