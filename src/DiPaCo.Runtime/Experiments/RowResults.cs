using System.Collections.Immutable;

namespace DiPaCo.Runtime.Experiments;

/// <summary>What a row has found.</summary>
/// <param name="Name">Name of the row.</param>
/// <param name="Runs">Its finished runs, one per seed.</param>
public sealed record RowResults(string Name, ImmutableArray<RowRun> Runs)
{
    /// <summary>The mean of the runs' curves, point by point, as far as all of them go.</summary>
    public ImmutableArray<CurvePoint> MeanCurve() =>
    [
        .. Enumerable.Range(0, Runs.Min(run => run.Curve.Length)).Select(i => new CurvePoint(
            Runs.Average(run => run.Curve[i].Steps), Runs.Average(run => run.Curve[i].Flops), Runs.Average(run => run.Curve[i].Perplexity))),
    ];
}
