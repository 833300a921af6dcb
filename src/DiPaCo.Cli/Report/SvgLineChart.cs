using System.Collections.Immutable;
using System.Globalization;

namespace DiPaCo.Cli.Report;

/// <summary>A line chart as inline SVG; colors come from the page's style, so it follows light and dark.</summary>
internal sealed record SvgLineChart
{
    private const double Width = 880;
    private const double Height = 300;
    private const double Left = 52;
    private const double Right = 868;
    private const double Top = 14;
    private const double Bottom = 252;

    /// <summary>What the chart shows, for screen readers.</summary>
    public required string Title { get; init; }

    /// <summary>Label of the horizontal axis.</summary>
    public required string XLabel { get; init; }

    /// <summary>The curves.</summary>
    public required ImmutableArray<Series> Curves { get; init; }

    /// <summary>A vertical line at this x, with a label; none at 0.</summary>
    public (double X, string Label) Mark { get; init; }

    /// <summary>Whether every point is drawn with its value.</summary>
    public bool ShowPoints { get; init; }

    /// <summary>Draws the chart and its legend; a sentence when there is nothing to draw.</summary>
    public HtmlBuilder Draw()
    {
        (double X, double Y)[] all = [.. Curves.SelectMany(curve => curve.Points)];
        HtmlBuilder html = new();
        if (all.Length == 0)
        {
            return html.Add($"<p class='none'>Nothing was measured.</p>");
        }

        AxisScale x = new(all.Min(point => point.X), all.Max(point => point.X), Left, Right, 8, fit: true, whole: true);
        AxisScale y = new(all.Min(point => point.Y), UpperEnd(all), Bottom, Top, 5);
        html.Add($"<div class='chart'><svg viewBox='0 0 {Width} {Height}' role='img' aria-label='{Title}'>");
        html.Add($"<defs><clipPath id='plot-{Id}'><rect x='{Left - 6}' y='{Top - 6}' width='{Right - Left + 12}' height='{Bottom - Top + 12}'/></clipPath></defs>");
        DrawAxes(html, x, y);
        html.Add($"<g clip-path='url(#plot-{Id})'>");
        foreach (Series curve in Curves.OrderByDescending(curve => curve.IsFaint))
        {
            DrawCurve(html, curve, x, y);
        }

        return html.Add($"</g></svg></div>{Legend()}");
    }

    private string Id => string.Concat(Title.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();

    /// <summary>The first steps' losses would flatten the rest: the axis ends a little above what 97 % of the points need.</summary>
    private static double UpperEnd((double X, double Y)[] points)
    {
        double[] sorted = [.. points.Select(point => point.Y).Order()];
        double most = sorted[(int)((sorted.Length - 1) * 0.97)];
        return sorted.Length < 30 ? sorted[^1] : Math.Min(sorted[^1], most + (0.15 * (most - sorted[0])));
    }

    private void DrawAxes(HtmlBuilder html, AxisScale x, AxisScale y)
    {
        foreach (double tick in y.Ticks)
        {
            string at = Pixel(y.At(tick));
            html.Add($"<line class='grid' x1='{Left}' x2='{Right}' y1='{at}' y2='{at}'/><text class='tick' x='{Left - 8}' y='{at}' dy='.35em' text-anchor='end'>{Number(tick, y.Decimals)}</text>");
        }

        foreach (double tick in x.Ticks)
        {
            html.Add($"<text class='tick' x='{Pixel(x.At(tick))}' y='{Bottom + 20}' text-anchor='middle'>{Number(tick, x.Decimals)}</text>");
        }

        html.Add($"<text class='axis' x='{(Left + Right) / 2}' y='{Height - 8}' text-anchor='middle'>{XLabel}</text>");
        if (Mark.X > 0)
        {
            string at = Pixel(x.At(Mark.X));
            html.Add($"<line class='mark' x1='{at}' x2='{at}' y1='{Top}' y2='{Bottom}'/><text class='tick' x='{at}' y='{Top + 4}' dx='6'>{Mark.Label}</text>");
        }
    }

    private void DrawCurve(HtmlBuilder html, Series curve, AxisScale x, AxisScale y)
    {
        string points = string.Join(' ', curve.Points.Select(point => $"{Pixel(x.At(point.X))},{Pixel(y.At(point.Y))}"));
        html.Add($"<polyline class='c{curve.Color % Palette.Count}{(curve.IsFaint ? " faint" : "")}' points='{points}'><title>{curve.Name}</title></polyline>");
        if (ShowPoints)
        {
            foreach ((double px, double py) in curve.Points)
            {
                html.Add($"<circle class='c{curve.Color % Palette.Count}' cx='{Pixel(x.At(px))}' cy='{Pixel(y.At(py))}' r='3.5'><title>{Number(px, 0)}: {py:0.00}</title></circle>");
            }
        }
    }

    private HtmlBuilder Legend()
    {
        HtmlBuilder html = new();
        Series[] named = [.. Curves.Where(curve => !curve.IsFaint)];
        if (named.Length < 2)
        {
            return html;
        }

        html.Add($"<ul class='legend'>");
        foreach (Series curve in named)
        {
            html.Add($"<li><i class='b{curve.Color % Palette.Count}'></i>{curve.Name}</li>");
        }

        return html.Add($"</ul>");
    }

    private static string Pixel(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private static string Number(double value, int decimals) => value.ToString($"N{decimals}", CultureInfo.InvariantCulture);
}
