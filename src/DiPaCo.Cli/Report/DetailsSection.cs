using System.Globalization;
using DiPaCo.Cli.Output;
using DiPaCo.Cli.Progress;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cli.Report;

/// <summary>Time, machine, corpus and configuration: what is needed to judge and to repeat the run.</summary>
internal static class DetailsSection
{
    /// <summary>Builds the section.</summary>
    public static HtmlBuilder Build(ReportData data)
    {
        RunResults results = data.Results;
        HtmlBuilder html = new();
        if (!results.Timings.IsEmpty)
        {
            AddTimings(html, results);
        }

        if (results.OuterGradients.Any(gradient => gradient.Paths > 1))
        {
            AddAgreement(html, results);
        }

        if (!results.Numerics.IsEmpty)
        {
            AddNumerics(html, results);
        }

        CorpusSummary corpus = results.Corpus;
        html.Add($"<section><h2>Corpus</h2><dl class='facts'>");
        Fact(html, "documents", Units.Count(corpus.Documents));
        Fact(html, "training", Units.Count(corpus.TrainDocuments));
        Fact(html, "validation", Units.Count(corpus.ValidationDocuments));
        Fact(html, "test", Units.Count(corpus.TestDocuments));
        Fact(html, "kept for routers", Units.Count(corpus.RouterDocuments));
        Fact(html, "vocabulary", Units.Count(corpus.Vocabulary));
        Fact(html, "bytes per token", corpus.Tokens > 0 ? $"{(double)corpus.Bytes / corpus.Tokens:0.00}" : "–");
        Fact(html, "bad records", Units.Count(corpus.BadRecords));
        html.Add($"</dl></section>");
        return html.Add($"<section><h2>Configuration</h2><details><summary>the complete configuration, defaults included</summary><pre>{results.ConfigurationYaml}</pre></details></section>");
    }

    private static void AddTimings(HtmlBuilder html, RunResults results)
    {
        TimeSpan total = results.Timings.Aggregate(TimeSpan.Zero, (sum, stage) => sum + stage.Elapsed);
        html.Add($"<section><h2>Time</h2><div class='scroll'><table class='time'><tbody>");
        foreach (StageTime stage in results.Timings)
        {
            double share = total > TimeSpan.Zero ? stage.Elapsed / total : 0;
            html.Add($"<tr><th scope='row'>{StageLabel.Of(stage.Stage)}</th><td class='bar'><span style='width:{100 * share:0.#}%'></span><b>{Units.Duration(stage.Elapsed)}</b></td></tr>");
        }

        string machine = results.Machine is { } summary ? $" on {MachineLine.Of(summary)}" : "";
        html.Add($"</tbody></table></div><p class='note'>{Units.Duration(total)} in all{machine}.</p></section>");
    }

    private static void AddAgreement(HtmlBuilder html, RunResults results)
    {
        html.Add($"<section><h2>Agreement of the paths</h2><div class='scroll'><table><thead><tr><th>module</th><th>paths</th><th>cosine, first phase</th><th>cosine, last phase</th></tr></thead><tbody>");
        foreach (IGrouping<string, OuterGradient> module in results.OuterGradients.Where(gradient => gradient.Paths > 1).GroupBy(gradient => gradient.Module.Name))
        {
            html.Add($"<tr><th scope='row'>{module.Key}</th><td>{module.First().Paths}</td><td>{Cosine(module.First())}</td><td>{Cosine(module.Last())}</td></tr>");
        }

        html.Add($"</tbody></table></div><p class='note'>Mean cosine between what the paths through a module change in a phase: 1 where all pull the same way, 0 where they have nothing in common.</p></section>");
    }

    private static void AddNumerics(HtmlBuilder html, RunResults results)
    {
        html.Add($"<section><h2>Numerics</h2><div class='scroll'><table><thead><tr><th>fingerprint</th><th>kind of task</th><th>tasks</th></tr></thead><tbody>");
        foreach (NumericsShare share in results.Numerics)
        {
            html.Add($"<tr><th scope='row'>{NumericsFingerprint.Shortened(share.Fingerprint)}</th><td>{share.Kind}</td><td>{Units.Count(share.Tasks)}</td></tr>");
        }

        html.Add($"</tbody></table></div><p class='note'>Workers that round differently took part, so this run's bytes are not those of a run on any one of them.</p></section>");
    }

    private static string Cosine(OuterGradient gradient) => gradient.Cosine is { } cosine ? string.Create(CultureInfo.InvariantCulture, $"{cosine:0.00}") : "–";

    private static void Fact(HtmlBuilder html, string name, string value) => html.Add($"<div><dt>{name}</dt><dd>{value}</dd></div>");
}
