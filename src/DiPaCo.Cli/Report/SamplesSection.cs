using DiPaCo.Runtime;

namespace DiPaCo.Cli.Report;

/// <summary>What the paths write.</summary>
internal static class SamplesSection
{
    private const int MostShown = 12;

    /// <summary>Builds the section; empty without samples.</summary>
    public static HtmlBuilder Build(ReportData data)
    {
        HtmlBuilder html = new();
        if (data.Results.Samples.IsEmpty)
        {
            return html;
        }

        html.Add($"<section><h2>Samples</h2><div class='samples'>");
        foreach (TextSample sample in data.Results.Samples.Take(MostShown))
        {
            string who = sample.Path is { } path ? $"path {path}" : "dense";
            html.Add($"<figure><figcaption><b>{who}</b> continues a text {(sample.IsHeldOut ? "of" : "that it was trained on, of")} {sample.Source}</figcaption><blockquote><span class='prompt'>{sample.Prompt}</span>{sample.Text}</blockquote></figure>");
        }

        return html.Add($"</div></section>");
    }
}
