using System.Collections.Immutable;
using System.Globalization;

namespace DiPaCo.Cli.Report;

/// <summary>A table of shares or correlations as inline SVG: the stronger a cell's color, the larger its value. Each cell tells its number when pointed at.</summary>
internal sealed record SvgHeatMap
{
    private const double LabelWidth = 150;
    private const double HeadHeight = 110;
    private const double Most = 880;

    /// <summary>What the picture shows, for screen readers.</summary>
    public required string Title { get; init; }

    /// <summary>Names of the rows, top to bottom.</summary>
    public required ImmutableArray<string> Rows { get; init; }

    /// <summary>Names of the columns, left to right.</summary>
    public required ImmutableArray<string> Columns { get; init; }

    /// <summary>The value of a cell, by row and column: −1 to 1; negative ones have the second color.</summary>
    public required Func<int, int, double> Value { get; init; }

    /// <summary>How a cell's value is told.</summary>
    public Func<double, string> Text { get; init; } = value => value.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>Draws the picture.</summary>
    public HtmlBuilder Draw()
    {
        double cell = Math.Clamp((Most - LabelWidth) / Columns.Length, 12, 34);
        double width = LabelWidth + (cell * Columns.Length) + 40;
        double height = HeadHeight + (cell * Rows.Length) + 4;
        HtmlBuilder html = new();
        html.Add($"<div class='chart heat'><svg viewBox='0 0 {Pixel(width)} {Pixel(height)}' style='max-width:{Pixel(width)}px;min-width:{Pixel(Math.Min(width, 560))}px' role='img' aria-label='{Title}'>");
        for (int column = 0; column < Columns.Length; column++)
        {
            string x = Pixel(LabelWidth + (cell * (column + 0.5)));
            html.Add($"<text class='tick' transform='translate({x} {Pixel(HeadHeight - 6)}) rotate(-55)'>{Columns[column]}</text>");
        }

        for (int row = 0; row < Rows.Length; row++)
        {
            double y = HeadHeight + (cell * row);
            html.Add($"<text class='tick' x='{Pixel(LabelWidth - 6)}' y='{Pixel(y + (cell / 2))}' dy='.35em' text-anchor='end'>{Rows[row]}</text>");
            for (int column = 0; column < Columns.Length; column++)
            {
                double value = Value(row, column);
                double strength = double.IsFinite(value) ? Math.Clamp(Math.Abs(value), 0, 1) : 0;
                html.Add($"<rect class='{(value < 0 ? "cold" : "warm")}' x='{Pixel(LabelWidth + (cell * column))}' y='{Pixel(y)}' width='{Pixel(cell - 1)}' height='{Pixel(cell - 1)}' fill-opacity='{strength:0.###}'><title>{Rows[row]}, {Columns[column]}: {Text(value)}</title></rect>");
            }
        }

        return html.Add($"</svg></div>");
    }

    private static string Pixel(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
