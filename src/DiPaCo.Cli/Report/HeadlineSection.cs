using DiPaCo.Cli.Output;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Report;

/// <summary>The top of the report: what was trained and how good it is.</summary>
internal static class HeadlineSection
{
    /// <summary>Builds the section.</summary>
    public static HtmlBuilder Build(ReportData data)
    {
        RunResults results = data.Results;
        HtmlBuilder html = new();
        html.Add($"<header><p class='kicker'>DiPaCo.NET · run report</p><h1>{results.Name}</h1>{Sentence(data)}<dl class='tiles'>");
        if (data.RowOf(ModelKind.Routed) is { } routed)
        {
            Tile(html, "perplexity", Units.Perplexity(routed.Perplexity), "held-out text, routed");
            if (data.RowOf(ModelKind.DenseEqualSteps) is { } dense)
            {
                Tile(html, "dense perplexity", Units.Perplexity(dense.Perplexity), dense.Model);
            }

            Tile(html, "training", $"{Units.Short(routed.TrainingTokens)} tokens", Units.Flops(routed.TrainingFlops));
        }

        ModelSummary model = results.Model;
        Tile(html, "model", Units.Count(model.Paths, "path"), $"{Units.Short(model.ParametersPerPath)} parameters each, {Units.Short(model.ParametersTotal)} in all");
        Tile(html, "corpus", Units.Count(results.Corpus.Documents, "document"), $"{Units.Bytes(results.Corpus.Bytes)}, {Units.Short(results.Corpus.Tokens)} tokens");
        return html.Add($"</dl><p class='digest'>model digest <code>{results.ModelDigest}</code></p></header>");
    }

    private static HtmlBuilder Sentence(ReportData data)
    {
        HtmlBuilder html = new();
        if (data.RowOf(ModelKind.Routed) is { } routed && data.RowOf(ModelKind.DenseEqualSteps) is { Perplexity: > 0 } dense)
        {
            double change = 1 - (routed.Perplexity / dense.Perplexity);
            string verdict = change >= 0 ? $"{100 * change:0} % lower" : $"{-100 * change:0} % higher";
            html.Add($"<p class='lead'>With {Units.Count(routed.Paths, "path")}, each document going through one, perplexity is <b>{Units.Perplexity(routed.Perplexity)}</b>: {verdict} than {Units.Perplexity(dense.Perplexity)} of the dense model of one path’s size after as many steps.</p>");
        }

        return html;
    }

    private static void Tile(HtmlBuilder html, string name, string value, string note) =>
        html.Add($"<div><dt>{name}</dt><dd>{value}</dd><dd class='note'>{note}</dd></div>");
}
