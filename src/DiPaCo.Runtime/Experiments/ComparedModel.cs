using System.Collections.Immutable;

namespace DiPaCo.Runtime.Experiments;

/// <summary>A model of a row over all its seeds: a line of the experiment's table.</summary>
/// <param name="Row">Name of the row.</param>
/// <param name="Model">Its first run's numbers; sizes, steps and tokens are alike for all seeds but for padding.</param>
/// <param name="Perplexities">Held-out perplexity of each seed.</param>
/// <param name="BitsPerByte">Mean bits per byte.</param>
/// <param name="Seconds">Mean time of the runs' own tasks.</param>
/// <param name="DifferenceToDense">Mean of perplexity over that of the same run's dense model at equal steps, minus 1; null where there is none.</param>
public sealed record ComparedModel(
    string Row, EvaluationRow Model, ImmutableArray<double> Perplexities, double BitsPerByte, double Seconds, double? DifferenceToDense)
{
    /// <summary>Mean perplexity.</summary>
    public double Perplexity => Perplexities.Average();

    /// <summary>Half the distance between the best and the worst seed: the error bar. 0 for a single seed, which says nothing of the error.</summary>
    public double HalfRange => (Perplexities.Max() - Perplexities.Min()) / 2;

    /// <summary>The lines of a table: every row's own model, then the models to compare with, each once.</summary>
    public static ImmutableArray<ComparedModel> Of(ExperimentResults results)
    {
        ImmutableArray<ComparedModel>.Builder own = ImmutableArray.CreateBuilder<ComparedModel>();
        ImmutableArray<ComparedModel>.Builder others = ImmutableArray.CreateBuilder<ComparedModel>();
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (RowResults row in results.Rows)
        {
            foreach (EvaluationRow model in row.Runs[0].Evaluation)
            {
                ComparedModel compared = Of(row, model);
                string same = $"{model.Kind} {model.Model} {model.Steps} {string.Join(' ', compared.Perplexities)}";
                if (model.Kind == ModelKind.Routed)
                {
                    own.Add(compared);
                }
                else if (seen.Add(same))
                {
                    others.Add(compared);
                }
            }
        }

        return [.. own, .. others];
    }

    /// <summary>A kind may have several models, one for each window of re-routing; their names differ.</summary>
    private static ComparedModel Of(RowResults row, EvaluationRow first)
    {
        (RowRun Run, EvaluationRow Model)[] models =
            [.. row.Runs.Select(run => (run, run.Evaluation.Single(model => model.Kind == first.Kind && model.Model == first.Model)))];
        double[] differences =
        [
            .. models.Select(entry => entry.Run.Evaluation.FirstOrDefault(model => model.Kind == ModelKind.DenseEqualSteps) is { } dense
                ? (entry.Model.Perplexity / dense.Perplexity) - 1
                : double.NaN),
        ];
        return new ComparedModel(
            row.Name, first, [.. models.Select(entry => entry.Model.Perplexity)], models.Average(entry => entry.Model.BitsPerByte),
            row.Runs.Average(run => run.Seconds), differences.All(double.IsFinite) ? differences.Average() : null);
    }
}
