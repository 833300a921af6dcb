using DiPaCo.Runtime;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>The table that every evaluation ends with: the routed model against its baselines.</summary>
internal static class PerplexityTable
{
    /// <summary>Builds the table; the best perplexity stands out.</summary>
    public static Table Of(IReadOnlyList<EvaluationRow> rows)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn("model");
        foreach (string column in (string[])["perplexity", "with\nprefix", "bits/\nbyte", "parameters\nper path", "parameters\nin all", "training\ntokens", "training\nFLOPs", "routing\nFLOPs"])
        {
            table.AddColumn(new TableColumn(column) { Alignment = Justify.Right, NoWrap = true });
        }

        double best = rows.Select(row => row.Perplexity).DefaultIfEmpty(double.NaN).Min();
        foreach (EvaluationRow row in rows)
        {
            string style = row.Perplexity <= best ? "bold green" : "default";
            table.AddRow(
                $"[{style}]{Markup.Escape(SafeText.OneLine(row.Model, 40))}[/]",
                $"[{style}]{Units.Perplexity(row.Perplexity)}[/]",
                Units.Perplexity(row.PerplexityWithPrefix),
                $"{row.BitsPerByte:0.000}",
                Units.Short(row.ParametersPerPath),
                Units.Short(row.ParametersTotal),
                Units.Short(row.TrainingTokens),
                Units.Short(row.TrainingFlops),
                Units.Short(row.RoutingFlops));
        }

        return table;
    }
}
