using DiPaCo.Runtime;

namespace DiPaCo.Cli.Report;

/// <summary>Loss and validation over time.</summary>
internal static class CurvesSection
{
    /// <summary>Builds the section.</summary>
    public static HtmlBuilder Build(ReportData data)
    {
        int fork = LossCurves.ForkOf(data.Steps);
        SvgLineChart loss = new()
        {
            Title = "Training loss",
            XLabel = "training steps of one model",
            Curves = LossCurves.Of(data),
            Mark = (fork, "fork into paths"),
        };
        HtmlBuilder html = new();
        html.Add($"<section><h2>Training loss</h2>{loss.Draw()}<p class='note'>Nats per token, averaged over neighboring steps. After the fork every path trains on its own shard.</p></section>");
        if (!data.Results.Validation.IsEmpty)
        {
            html.Add($"<section><h2>Validation perplexity</h2>{ValidationOf(data.Results).Draw()}<p class='note'>The routed model on validation documents after each phase of inner steps and one outer step.</p></section>");
        }

        return html;
    }

    private static SvgLineChart ValidationOf(RunResults results) => new()
    {
        Title = "Validation perplexity",
        XLabel = "phase",
        Curves = [new Series("routed", 2, [.. results.Validation.Select(phase => ((double)(phase.Phase.Value + 1), phase.Perplexity)).Where(point => double.IsFinite(point.Perplexity))])],
        ShowPoints = true,
    };
}
