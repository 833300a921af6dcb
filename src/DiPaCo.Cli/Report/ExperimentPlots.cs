using System.Collections.Immutable;
using DiPaCo.Cli.Output;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Experiments;

namespace DiPaCo.Cli.Report;

/// <summary>An experiment's charts as PNG files.</summary>
internal static class ExperimentPlots
{
    /// <summary>Draws what there is: file name and PNG.</summary>
    public static IEnumerable<(string Name, byte[] Png)> Draw(ExperimentResults results)
    {
        ImmutableArray<ComparedModel> models = ComparedModel.Of(results);
        if (models.IsEmpty)
        {
            yield break;
        }

        yield return ("perplexity.png", ReportPlots.Bars(
            "Held-out perplexity, lower is better",
            [.. models.Select(model => (Name(model), model.Perplexity, model.HalfRange, Label(model), model.Model.Kind == ModelKind.Routed ? 2 : 0))]));

        ImmutableArray<Series> bySteps = [.. Curves(results, point => point.Steps)];
        if (bySteps.Any(curve => curve.Points.Length > 1))
        {
            yield return ("perplexity-steps.png", ReportPlots.Lines(bySteps, "Validation perplexity", "training steps of one path", "perplexity", markers: true));
            yield return ("perplexity-flops.png", ReportPlots.Lines(
                [.. Curves(results, point => point.Flops / 1e12), .. Dense(models)], "Perplexity against total FLOPs, training and routing", "TFLOP in all", "perplexity", markers: true));
        }
    }

    private static IEnumerable<Series> Curves(ExperimentResults results, Func<CurvePoint, double> x) => results.Rows
        .Select((row, r) => new Series(row.Name, r, [.. row.MeanCurve().Select(point => (x(point), point.Perplexity))]))
        .Where(curve => !curve.Points.IsEmpty);

    /// <summary>The dense models as points: perplexity on the test documents over all their training FLOPs; they need no router.</summary>
    private static IEnumerable<Series> Dense(ImmutableArray<ComparedModel> models)
    {
        (double, double)[] points =
        [
            .. models.Where(model => model.Model.Kind is ModelKind.DenseBase or ModelKind.DenseEqualSteps or ModelKind.DenseEqualFlops)
                .Select(model => (model.Model.TrainingFlops / 1e12, model.Perplexity)).OrderBy(point => point.Item1),
        ];
        return points.Length == 0 ? [] : [new Series("dense (test documents)", 0, [.. points])];
    }

    private static string Name(ComparedModel model) => model.Model.Kind == ModelKind.Routed ? model.Row : $"{model.Row}: {model.Model.Model}";

    private static string Label(ComparedModel model) => model.Perplexities.Length > 1
        ? $"{Units.Perplexity(model.Perplexity)} ± {Units.Perplexity(model.HalfRange)}"
        : Units.Perplexity(model.Perplexity);
}
