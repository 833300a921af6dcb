using System.Globalization;
using DiPaCo.Runtime.Experiments;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>What an experiment ends with.</summary>
internal static class ExperimentView
{
    /// <summary>Writes the table and where the files are.</summary>
    public static void Write(IAnsiConsole console, ExperimentResults results, string folder)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn("row");
        table.AddColumn("model");
        foreach (string column in (string[])["perplexity", "± ", "against dense", "parameters\nin all", "training\nFLOPs", "routing\nFLOPs"])
        {
            table.AddColumn(new TableColumn(column) { Alignment = Justify.Right, NoWrap = true });
        }

        foreach (ComparedModel model in ComparedModel.Of(results))
        {
            table.AddRow(
                Markup.Escape(model.Row), Markup.Escape(SafeText.OneLine(model.Model.Model, 40)), Units.Perplexity(model.Perplexity),
                model.Perplexities.Length > 1 ? Units.Perplexity(model.HalfRange) : "–", Difference(model),
                Units.Short(model.Model.ParametersTotal), Units.Short(model.Model.TrainingFlops), Units.Short(model.Model.RoutingFlops));
        }

        console.Write(table);
        console.MarkupLineInterpolated($"Perplexity on held-out documents, the same for all rows and seeds; ± is half the distance between the best and the worst seed.");
        console.WriteLine($"{Path.Combine(folder, "experiment.md")}");
    }

    /// <summary>Which run failed, and why.</summary>
    public static string Failure(FailedRun run) => string.Create(CultureInfo.InvariantCulture, $"Row '{run.Row}', seed {run.Seed}: {run.Message}");

    /// <summary>How much lower or higher than the dense model at equal steps: <c>−31.2 %</c>.</summary>
    public static string Difference(ComparedModel model) => model.DifferenceToDense is { } difference
        ? $"{(difference < 0 ? "−" : "+")}{Math.Abs(100 * difference).ToString("0.0", CultureInfo.InvariantCulture)} %"
        : "–";
}
