using System.Collections.Immutable;

namespace DiPaCo.Runtime.Experiments;

/// <summary>
/// A row's validation perplexity over that of the rows of one path, at equal total FLOPs, of training and routing. Between measured points both logarithms are
/// interpolated; of several one-path rows the best one counts at each point.
/// </summary>
/// <param name="Row">Name of the row.</param>
/// <param name="FirstFlops">The fewest FLOPs at which both were measured.</param>
/// <param name="FirstRatio">Perplexity over the one-path rows' there; below 1 the row is better.</param>
/// <param name="LastFlops">The most FLOPs at which both were measured.</param>
/// <param name="LastRatio">The ratio there.</param>
/// <param name="CrossingFlops">From where on the row stays ahead; null where it is behind at the last point.</param>
public sealed record FlopsComparison(
    string Row, double FirstFlops, double FirstRatio, double LastFlops, double LastRatio, double? CrossingFlops)
{
    /// <summary>Compares every row of several paths whose curve shares a range of FLOPs with a row of one path.</summary>
    public static ImmutableArray<FlopsComparison> Of(ExperimentResults results)
    {
        ILookup<bool, RowResults> rows = results.Rows.ToLookup(row => row.Runs[0].Evaluation[0].Paths == 1);
        ImmutableArray<CurvePoint>[] dense = [.. rows[true].Select(row => row.MeanCurve()).Where(curve => !curve.IsEmpty)];
        return dense.Length == 0 ? [] : [.. rows[false].Select(row => Of(row.Name, row.MeanCurve(), dense)).OfType<FlopsComparison>()];
    }

    private static FlopsComparison? Of(string name, ImmutableArray<CurvePoint> curve, ImmutableArray<CurvePoint>[] dense)
    {
        // The ratio bends only where one of the curves has a point.
        double[] marks = [.. curve.Concat(dense.SelectMany(other => other)).Select(point => point.Flops).Distinct().Order()];
        (double Flops, double Log)[] ratios =
        [
            .. marks.Select(flops => (flops, LogPerplexity(curve, flops) - dense.Min(other => LogPerplexity(other, flops))))
                .Where(point => double.IsFinite(point.Item2)),
        ];
        if (ratios.Length == 0)
        {
            return null;
        }

        (double firstFlops, double first) = ratios[0];
        (double lastFlops, double last) = ratios[^1];
        return new FlopsComparison(name, firstFlops, Math.Exp(first), lastFlops, Math.Exp(last), Crossing(ratios));
    }

    /// <summary>The last change of sign from behind to ahead; the first point where the row is ahead everywhere.</summary>
    private static double? Crossing((double Flops, double Log)[] ratios)
    {
        if (ratios[^1].Log >= 0)
        {
            return null;
        }

        int behind = Array.FindLastIndex(ratios, point => point.Log >= 0);
        if (behind < 0)
        {
            return ratios[0].Flops;
        }

        ((double fromFlops, double from), (double toFlops, double to)) = (ratios[behind], ratios[behind + 1]);
        return fromFlops * Math.Pow(toFlops / fromFlops, from / (from - to));
    }

    /// <summary>Infinite outside the curve.</summary>
    private static double LogPerplexity(ImmutableArray<CurvePoint> curve, double flops)
    {
        int next = 0;
        while (next < curve.Length && curve[next].Flops < flops)
        {
            next++;
        }

        if (next == curve.Length || (next == 0 && curve[0].Flops > flops))
        {
            return double.PositiveInfinity;
        }

        (double atNext, double logFlops) = (Math.Log(curve[next].Perplexity), Math.Log(curve[next].Flops));
        if (next == 0 || curve[next].Flops == curve[next - 1].Flops)
        {
            return atNext;
        }

        double share = (logFlops - Math.Log(flops)) / (logFlops - Math.Log(curve[next - 1].Flops));
        return atNext + (share * (Math.Log(curve[next - 1].Perplexity) - atNext));
    }
}
