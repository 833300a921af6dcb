using System.Collections.Immutable;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Report;

/// <summary>
/// Training losses as curves over the steps that led to a model: paths (and dense models that start at the fork)
/// continue where the base model ends; a dense model from scratch starts where that started.
/// </summary>
internal static class LossCurves
{
    private const int MaxPoints = 240;

    // Half the width of the mean around each point, as a share of the curve: enough to see it through the noise of single batches.
    private const double HalfWindow = 0.025;
    private const int MaxNamedPaths = 6;
    private const int BaseColor = 0;
    private const int DenseColor = 1;
    private const int FirstPathColor = 2;

    /// <summary>Steps of the base model: where the fork is drawn; 0 without a base stage.</summary>
    public static int ForkOf(IReadOnlyList<StepMetric> steps) =>
        steps.Where(step => step.Stage == Stage.Base).Select(step => step.Step).DefaultIfEmpty(0).Max();

    /// <summary>Base, paths and dense models, in this order.</summary>
    public static ImmutableArray<Series> Of(ReportData data)
    {
        IReadOnlyList<StepMetric> steps = data.Steps;
        int fork = ForkOf(steps);
        ImmutableArray<Series>.Builder curves = ImmutableArray.CreateBuilder<Series>();
        AddIfAny(curves, Curve("base model", BaseColor, steps.Where(step => step.Stage == Stage.Base), 0));
        AddPaths(curves, [.. steps.Where(step => step is { Stage: Stage.Phases, Path: not null })], fork);
        int color = DenseColor;
        foreach (IGrouping<ModelKind?, StepMetric> dense in steps.Where(step => step.Stage == Stage.Dense).GroupBy(step => step.Baseline))
        {
            EvaluationRow? row = dense.Key is { } kind ? data.RowOf(kind) : null;
            AddIfAny(curves, Curve(row?.Model ?? "dense", color, dense, StartOf(row, dense, fork)));
            color = FirstPathColor + MaxNamedPaths;
        }

        return curves.ToImmutable();
    }

    /// <summary>What a model went through before its own steps: the base model's steps if its row counts them, nothing otherwise.</summary>
    private static int StartOf(EvaluationRow? row, IEnumerable<StepMetric> steps, int fork) =>
        row is null || row.Steps - steps.Max(step => step.Step) >= fork ? fork : 0;

    private static void AddPaths(ImmutableArray<Series>.Builder curves, ImmutableArray<StepMetric> steps, int fork)
    {
        IGrouping<int, StepMetric>[] paths = [.. steps.GroupBy(step => step.Path!.Value.Value)];
        bool many = paths.Length > MaxNamedPaths;
        foreach (IGrouping<int, StepMetric> path in paths)
        {
            int color = many ? FirstPathColor : FirstPathColor + Array.IndexOf(paths, path);
            AddIfAny(curves, Curve($"path {path.Key}", color, path, fork) with { IsFaint = many });
        }

        if (many)
        {
            IEnumerable<(double, double)> mean = steps.GroupBy(step => step.Step).OrderBy(group => group.Key)
                .Select(group => ((double)(fork + group.Key), group.Average(step => step.Loss)));
            curves.Add(new Series($"mean of {paths.Length} paths", FirstPathColor, Thin([.. mean])));
        }
    }

    private static Series Curve(string name, int color, IEnumerable<StepMetric> steps, int offset) =>
        new(name, color, Thin([.. steps.Select(step => ((double)(offset + step.Step), step.Loss))]));

    /// <summary>A centred moving mean, then means of equal runs of points: less noise, and a file that stays small however long the run.</summary>
    private static ImmutableArray<(double X, double Y)> Thin((double X, double Y)[] points)
    {
        points = Smooth([.. points.Where(point => double.IsFinite(point.Y))]);
        int size = Math.Max(1, (int)Math.Ceiling(points.Length / (double)MaxPoints));
        return [.. points.Chunk(size).Select(chunk => (chunk.Average(point => point.X), chunk.Average(point => point.Y)))];
    }

    /// <summary>Towards the ends the window is cut, and a point stands in the middle of what is left of it: a single batch is no end of a curve.</summary>
    private static (double X, double Y)[] Smooth((double X, double Y)[] points)
    {
        double[] sums = new double[points.Length + 1];
        for (int i = 0; i < points.Length; i++)
        {
            sums[i + 1] = sums[i] + points[i].Y;
        }

        int widest = (int)(HalfWindow * points.Length);
        return [.. points.Select((_, i) =>
        {
            int first = Math.Max(0, i - widest);
            int last = Math.Min(points.Length - 1, i + widest);
            return ((points[first].X + points[last].X) / 2, (sums[last + 1] - sums[first]) / (last - first + 1));
        })];
    }

    private static void AddIfAny(ImmutableArray<Series>.Builder curves, Series curve)
    {
        if (!curve.Points.IsEmpty)
        {
            curves.Add(curve);
        }
    }
}
