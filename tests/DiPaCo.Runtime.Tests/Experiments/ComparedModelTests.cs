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
            ExperimentRows.Of(ModelKind.Routed, "routed", routed), ExperimentRows.Of(ModelKind.Rerouted, "every 64", wide), ExperimentRows.Of(ModelKind.Rerouted, "every 16", narrow),
            ExperimentRows.Of(ModelKind.DenseEqualSteps, "dense", dense),
        ],
        []);
}
