using System.Globalization;
using DiPaCo.Runtime;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>eval</c> shows.</summary>
internal static class EvaluationView
{
    /// <summary>Writes the table and what was measured.</summary>
    public static void Write(IAnsiConsole console, EvaluationResult result)
    {
        string text = result.Data.IsEmpty ? "the run's test split" : string.Join(", ", result.Data);
        console.WriteLine();
        console.Write(PerplexityTable.Of(result.Evaluation));
        console.MarkupLine($"[grey]on {Units.Count(result.Documents, "document")} of {Markup.Escape(SafeText.OneLine(text, 200))}; the routing prefix is not scored in the first column[/]");
        if (Find(ModelKind.Routed) is { } routed && Find(ModelKind.RoutedRounded) is { } rounded)
        {
            string change = ((rounded.Perplexity / routed.Perplexity) - 1).ToString("+0.000 %;-0.000 %", CultureInfo.InvariantCulture);
            console.MarkupLine($"[grey]the perplexity changes by {change} where weights are rounded as 'dipaco serve' has them[/]");
        }

        if (RouterText.Of(result.Router) is { } router)
        {
            console.MarkupLine($"[grey]{Markup.Escape(router)}[/]");
        }

        console.MarkupLine($"[grey]model digest {result.ModelDigest}[/]");

        EvaluationRow? Find(ModelKind kind) => result.Evaluation.FirstOrDefault(row => row.Kind == kind);
    }
}
