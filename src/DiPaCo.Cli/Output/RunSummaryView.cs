using DiPaCo.Core;
using DiPaCo.Runtime;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>How a finished run says goodbye: the table, two samples, what to do next.</summary>
internal static class RunSummaryView
{
    private const int SampleLength = 600;

    /// <summary>Writes the summary.</summary>
    public static void Write(IAnsiConsole console, RunResults results, string report, string next)
    {
        console.WriteLine();
        console.Write(PerplexityTable.Of(results.Evaluation));
        console.MarkupLine("[grey]Perplexity on documents held out from training, lower is better; each document goes through one path.[/]");
        if (RouterText.Of(results.Router) is { } router)
        {
            console.MarkupLine($"[grey]{Markup.Escape(router)}[/]");
        }

        foreach (TextSample sample in TwoPaths(results.Samples))
        {
            console.WriteLine();
            WriteSample(console, sample);
        }

        console.WriteLine();
        Grid grid = new Grid().AddColumn(new GridColumn { NoWrap = true }).AddColumn();
        grid.AddRow(Grey("model digest"), new Text(results.ModelDigest));
        grid.AddRow(Grey("report"), new Text(report));
        grid.AddRow(Grey("next"), new Text(next, new Style(Color.Green)));
        console.Write(grid);
    }

    /// <summary>The first sample of the first path, and the first of another one.</summary>
    internal static IEnumerable<TextSample> TwoPaths(IEnumerable<TextSample> samples) => samples
        .Where(sample => sample.Path is not null)
        .DistinctBy(sample => sample.Path)
        .Take(2);

    private static void WriteSample(IAnsiConsole console, TextSample sample)
    {
        PathId path = sample.Path.GetValueOrDefault();
        Paragraph text = new();
        text.Append(SafeText.Of(sample.Prompt), new Style(Color.Grey));
        text.Append(Shorten(SafeText.Of(sample.Text).TrimEnd()));
        console.Write(new Panel(text)
        {
            Border = BoxBorder.Rounded,
            BorderStyle = new Style(Color.Grey35),
            Header = new PanelHeader($" path {path} continues a text of {Markup.Escape(SafeText.OneLine(sample.Source, 60))} "),
            Expand = true,
        });
    }

    private static string Shorten(string text) => text.Length <= SampleLength ? text : $"{text[..SampleLength]} …";

    private static Text Grey(string text) => new(text, new Style(Color.Grey));
}
