namespace DiPaCo.Cli.Report;

/// <summary>The whole report: one file, nothing loaded from elsewhere.</summary>
internal static class HtmlReport
{
    /// <summary>Builds the page.</summary>
    public static string Build(ReportData data)
    {
        HtmlBuilder html = new();
        html.Add($"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>");
        html.Add($"<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">");
        html.Add($"<meta name='viewport' content='width=device-width, initial-scale=1'><meta name='color-scheme' content='light dark'>");
        html.Add($"<title>{data.Results.Name} · DiPaCo</title><style>{ReportStyle.Sheet}</style></head><body><main>\n");
        html.Add($"{HeadlineSection.Build(data)}\n{EvaluationSection.Build(data)}\n{CurvesSection.Build(data)}\n");
        html.Add($"{ShardsSection.Build(data)}\n{SamplesSection.Build(data)}\n{DiagnosticsSection.Build(data)}\n{DetailsSection.Build(data)}\n");
        html.Add($"</main></body></html>\n");
        return html.ToString();
    }
}
