using DiPaCo.Runtime.Experiments;
using Xunit;

namespace DiPaCo.Runtime.Tests.Experiments;

public sealed class FlopsComparisonTests
{
    /// <summary>Power laws are straight lines of the logarithms, so that the crossing is known: 100/√x and 400/x meet at 16.</summary>
    [Fact]
    public void CurvesThatAreStraight_CrossWhereTheyDo()
    {
        FlopsComparison comparison = Assert.Single(Compare(
            Row("dense", 1, Curve(x => 100 / Math.Sqrt(x), 1, 2, 7, 50, 100)), Row("grid", 16, Curve(x => 400 / x, 3, 5, 40, 200))));

        Assert.Equal("grid", comparison.Row);
        Assert.Equal(16, comparison.CrossingFlops!.Value, 1e-9);
        Assert.Equal((3, 100), (comparison.FirstFlops, comparison.LastFlops));
        Assert.Equal(400.0 / 3 / (100 / Math.Sqrt(3)), comparison.FirstRatio, 1e-9);
        Assert.Equal(4 / 10.0, comparison.LastRatio, 1e-9);
    }

    [Fact]
    public void ALeadThatIsLostAgain_IsNoCrossing()
    {
        FlopsComparison comparison = Assert.Single(Compare(
            Row("dense", 1, [(1, 50), (2, 40), (4, 20)]), Row("grid", 16, [(1, 60), (2, 30), (4, 25)])));

        Assert.Null(comparison.CrossingFlops);
        Assert.Equal(1.25, comparison.LastRatio, 1e-12);
    }

    [Fact]
    public void ARowThatIsAlwaysAhead_IsSoFromTheFirstPoint() =>
        Assert.Equal(2, Assert.Single(Compare(Row("dense", 1, [(1, 50), (8, 40)]), Row("grid", 16, [(2, 30), (4, 20)]))).CrossingFlops);

    [Fact]
    public void TheBestOfSeveralDenseRows_CountsAtEachPoint()
    {
        FlopsComparison comparison = Assert.Single(Compare(
            Row("a", 1, [(1, 60), (2, 60)]), Row("b", 1, [(1, 90), (2, 10)]), Row("grid", 4, [(1, 30), (2, 30)])));

        Assert.Equal(0.5, comparison.FirstRatio, 1e-12);
        Assert.Equal(3, comparison.LastRatio, 1e-12);
    }

    [Fact]
    public void WithoutFlopsInCommon_NothingIsSaid()
    {
        Assert.Empty(Compare(Row("dense", 1, [(1, 60), (2, 50)]), Row("grid", 4, [(3, 30), (4, 20)])));
        Assert.Empty(Compare(Row("grid", 4, [(3, 30), (4, 20)])));
    }

    private static FlopsComparison[] Compare(params RowResults[] rows) => [.. FlopsComparison.Of(new ExperimentResults("flops", [.. rows]))];

    private static (double Flops, double Perplexity)[] Curve(Func<double, double> law, params double[] flops) => [.. flops.Select(x => (x, law(x)))];

    private static RowResults Row(string name, int paths, (double Flops, double Perplexity)[] curve) => new(
        name,
        [
            new RowRun(
                1, "run", "digest", 1, 1, 1, [ExperimentRows.Of(ModelKind.Routed, "routed", 1, paths)],
                [.. curve.Select(point => new CurvePoint(point.Flops, point.Flops, point.Perplexity))]),
        ]);
}
