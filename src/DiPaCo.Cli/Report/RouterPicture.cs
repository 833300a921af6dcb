using System.Globalization;
using DiPaCo.Cli.Output;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Report;

/// <summary>How evenly a router spreads documents over the paths, and how often it is right: two bars, each with the mark that chance would reach.</summary>
internal static class RouterPicture
{
    private const int Width = 760;
    private const int LabelWidth = 300;
    private const int RowHeight = 34;
    private const int BarHeight = 16;

    /// <summary>Draws the picture; nothing where there is one path only.</summary>
    /// <param name="router">The router.</param>
    /// <param name="paths">Number of paths.</param>
    public static HtmlBuilder Draw(RouterQuality router, int paths)
    {
        HtmlBuilder html = new();
        if (router.EntropyShare is not { } entropy)
        {
            return html;
        }

        int rows = router.OracleAgreement is null ? 1 : 2;
        html.Add($"<div class='chart heat'><svg viewBox='0 0 {Width} {(rows * RowHeight) + 4}' style='max-width:{Width}px' role='img' aria-label='Router entropy and agreement'>");
        AddBar(html, 0, "router entropy, of an even spread", entropy, 1);
        if (router.OracleAgreement is { } agreement)
        {
            AddBar(html, 1, "documents on their best path in hindsight", agreement, 1.0 / paths);
        }

        return html.Add($"</svg></div><p class='note'>Dashed: what a router reaches that draws the paths by chance, in the mean over many documents.</p>");
    }

    private static void AddBar(HtmlBuilder html, int row, string label, double share, double chance)
    {
        const double most = Width - LabelWidth - 60;
        double y = (row * RowHeight) + ((RowHeight - BarHeight) / 2.0);
        double length = most * Math.Clamp(double.IsFinite(share) ? share : 0, 0, 1);
        double mark = LabelWidth + (most * chance);
        html.Add($"<text class='tick' x='{LabelWidth - 10}' y='{Pixel(y + (BarHeight / 2.0))}' dy='.35em' text-anchor='end'>{label}</text>");
        html.Add($"<rect class='warm' x='{LabelWidth}' y='{Pixel(y)}' width='{Pixel(most)}' height='{BarHeight}' fill-opacity='0.12'></rect>");
        html.Add($"<rect class='warm' x='{LabelWidth}' y='{Pixel(y)}' width='{Pixel(length)}' height='{BarHeight}'><title>{label}: {Units.Percent(share)}</title></rect>");
        html.Add($"<line class='mark' x1='{Pixel(mark)}' x2='{Pixel(mark)}' y1='{Pixel(y - 5)}' y2='{Pixel(y + BarHeight + 5)}'></line>");
        html.Add($"<text class='tick' x='{Pixel(LabelWidth + most + 8)}' y='{Pixel(y + (BarHeight / 2.0))}' dy='.35em'>{Units.Percent(share)}</text>");
    }

    private static string Pixel(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
