using System.Globalization;
using DiPaCo.Cli.Output;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Report;

/// <summary>The perplexity table.</summary>
internal static class EvaluationSection
{
    /// <summary>Builds the section.</summary>
    public static HtmlBuilder Build(ReportData data)
    {
        HtmlBuilder html = new();
        html.Add($"<section><h2>Held-out perplexity</h2><div class='scroll'><table><thead><tr><th>model</th><th class='bar'>perplexity</th><th>with prefix</th><th>bits / byte</th><th>of all bytes</th><th>parameters per path</th><th>parameters in all</th><th>steps</th><th>training tokens</th><th>training FLOPs</th><th>routing FLOPs</th></tr></thead><tbody>");
        double worst = data.Results.Evaluation.Select(row => row.Perplexity).DefaultIfEmpty(1).Max();
        foreach (EvaluationRow row in data.Results.Evaluation)
        {
            HtmlBuilder attributes = row.Kind == ModelKind.Routed ? new HtmlBuilder().Add($" class='ours'") : new HtmlBuilder();
            html.Add($"<tr{attributes}><th scope='row'>{row.Model}</th><td class='bar'><span style='width:{BarShare(row.Perplexity, worst):0.#}%'></span><b>{Units.Perplexity(row.Perplexity)}</b></td>");
            html.Add($"<td>{Units.Perplexity(row.PerplexityWithPrefix)}</td><td>{row.BitsPerByte:0.000}</td><td>{(row.BitsPerByteWithPrefix is { } all ? string.Create(CultureInfo.InvariantCulture, $"{all:0.000}") : "–")}</td><td>{Units.Short(row.ParametersPerPath)}</td><td>{Units.Short(row.ParametersTotal)}</td>");
            html.Add($"<td>{Units.Count(row.Steps)}</td><td>{Units.Short(row.TrainingTokens)}</td><td>{Units.Short(row.TrainingFlops)}</td><td>{Units.Short(row.RoutingFlops)}</td></tr>");
        }

        return html.Add($"</tbody></table></div><p class='note'>Lower is better. Every model scores the same tokens of the same documents, none of which it was trained on; the prefix that chooses the path is left out, except in the columns with the prefix and of all bytes; the latter compares models of different tokenizers, whose prefixes are not the same text. Tokens and FLOPs are those of all paths together; padding counts in the FLOPs, not in the tokens. Routing FLOPs are those of features, clusters, documents scored under the paths for a router to learn from, and a token router’s training.</p>{Router(data.Results)}</section>");
    }

    /// <summary>Numbers of the router; nothing where there is one path only.</summary>
    private static HtmlBuilder Router(RunResults results)
    {
        HtmlBuilder html = new();
        RouterQuality? router = results.Router;
        if (router?.EntropyShare is not { } share)
        {
            return html;
        }

        html.Add($"<dl class='facts router'><div><dt>router entropy</dt><dd>{router.Entropy:0.00} bits</dd></div><div><dt>of an even spread over the paths</dt><dd>{Units.Percent(share)}</dd></div>");
        if (router.OracleAgreement is { } agreement)
        {
            html.Add($"<div><dt>documents on their best path in hindsight</dt><dd>{Units.Percent(agreement)}</dd></div>");
        }

        return html.Add($"<div><dt>documents routed</dt><dd>{Units.Count(router.Documents)}</dd></div></dl>{RouterPicture.Draw(router, results.Model.Paths)}");
    }

    private static double BarShare(double value, double worst) =>
        double.IsFinite(value) && worst > 0 ? Math.Clamp(100 * value / worst, 0, 100) : 100;
}
