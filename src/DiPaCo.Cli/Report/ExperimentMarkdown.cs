using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using DiPaCo.Cli.Output;
using DiPaCo.Runtime.Experiments;

namespace DiPaCo.Cli.Report;

/// <summary>An experiment as a document.</summary>
internal static class ExperimentMarkdown
{
    private const int MostOfAMessage = 500;

    /// <summary>Writes the document.</summary>
    public static string Of(ExperimentResults results)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"# {results.Name}\n\n");
        text.Append("| row | model | paths | parameters, path / all | steps | training tokens | training FLOPs | routing FLOPs | seconds | perplexity | bits per byte | against dense at equal steps |\n");
        text.Append("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
        foreach (ComparedModel model in ComparedModel.Of(results))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {Cell(model.Row)} | {Cell(model.Model.Model)} | {model.Model.Paths} | {Units.Short(model.Model.ParametersPerPath)} / {Units.Short(model.Model.ParametersTotal)} ")
                .Append(CultureInfo.InvariantCulture, $"| {Units.Count(model.Model.Steps)} | {Units.Short(model.Model.TrainingTokens)} | {Units.Short(model.Model.TrainingFlops)} | {Units.Short(model.Model.RoutingFlops)} | {model.Seconds:0} ")
                .Append(CultureInfo.InvariantCulture, $"| {Perplexity(model)} | {model.BitsPerByte:0.000} | {ExperimentView.Difference(model)} |\n");
        }

        text.Append("\nPerplexity on held-out documents, the routing prefix excluded, the same documents for all rows and seeds; mean over the seeds ± half the distance between the best and the worst. A seed draws the first parameters, so its base model may be better or worse for all rows alike: the last column compares within a seed.\n");
        text.Append("Routing FLOPs are those of features, clusters, documents scored under the paths for a router to learn from, and a token router's training; what only measures counts nowhere.\n");
        text.Append("Seconds are those of a run's own tasks; what it took over from an earlier row (corpus, tokenizer, base model, features, dense models) counts there.\n\n");
        text.Append("| row | seed | perplexity | smallest / largest shard | model digest |\n|---|---:|---:|---:|---|\n");
        foreach (RowResults row in results.Rows)
        {
            foreach (RowRun run in row.Runs)
            {
                text.Append(CultureInfo.InvariantCulture, $"| {Cell(row.Name)} | {run.Seed} | {Units.Perplexity(run.Evaluation[0].Perplexity)} | {Units.Count(run.SmallestShard)} / {Units.Count(run.LargestShard)} | `{run.ModelDigest[..12]}…` |\n");
            }
        }

        AppendFailures(text, results.Failed);
        AppendComparison(text, FlopsComparison.Of(results));
        return text.ToString();
    }

    private static void AppendFailures(StringBuilder text, ImmutableArray<FailedRun> failed)
    {
        if (failed.IsEmpty)
        {
            return;
        }

        text.Append("\nFailed, and in no number above:\n\n| row | seed | why |\n|---|---:|---|\n");
        foreach (FailedRun run in failed)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {Cell(run.Row)} | {run.Seed} | {Cell(run.Message, MostOfAMessage)} |\n");
        }
    }

    private static void AppendComparison(StringBuilder text, ImmutableArray<FlopsComparison> comparisons)
    {
        if (comparisons.IsEmpty)
        {
            return;
        }

        text.Append("\nAgainst the rows of one path at equal total FLOPs, of training and routing, by validation perplexity:\n\n");
        text.Append("| row | at the fewest FLOPs in common | at the most | stays ahead from |\n|---|---:|---:|---:|\n");
        foreach (FlopsComparison row in comparisons)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {Cell(row.Row)} | {row.FirstRatio - 1:+0.0 %;−0.0 %} at {Units.Short(row.FirstFlops)} | {row.LastRatio - 1:+0.0 %;−0.0 %} at {Units.Short(row.LastFlops)} ")
                .Append(CultureInfo.InvariantCulture, $"| {(row.CrossingFlops is { } crossing ? Units.Short(crossing) : "behind to the end")} |\n");
        }

        text.Append("\nA point of a curve lies within a run whose learning rate falls until the run's end, so every curve is worse in its middle than a run that ended there.\n");
    }

    private static string Perplexity(ComparedModel model) => model.Perplexities.Length > 1
        ? $"{Units.Perplexity(model.Perplexity)} ± {Units.Perplexity(model.HalfRange)}"
        : Units.Perplexity(model.Perplexity);

    /// <summary>A name of the user's file must not end its cell.</summary>
    private static string Cell(string text, int most = 60) => SafeText.OneLine(text, most).Replace("|", "\\|", StringComparison.Ordinal);
}
