using System.Collections.Immutable;
using DiPaCo.Cli.Output;
using DiPaCo.Runtime;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace DiPaCo.Cli.Report;

/// <summary>The report's charts as PNG files, for papers and chats.</summary>
internal static class ReportPlots
{
    private const int Width = 1200;
    private const int Height = 640;
    private const int PathColor = 2;
    private const int OtherColor = 0;

    private static readonly Color Ink = Color.FromHex("#15181e");

    /// <summary>Draws every plot that has data: file name and PNG.</summary>
    public static IEnumerable<(string Name, byte[] Png)> Draw(ReportData data)
    {
        ImmutableArray<Series> loss = LossCurves.Of(data);
        if (!loss.IsEmpty)
        {
            yield return ("loss.png", Lines(loss, "Training loss", "training steps of one model", "nats per token", markers: false));
        }

        ImmutableArray<(double, double)> validation = [.. data.Results.Validation.Select(phase => (phase.Phase.Value + 1.0, phase.Perplexity))];
        if (!validation.IsEmpty)
        {
            yield return ("validation.png", Lines([new Series("routed", PathColor, validation)], "Validation perplexity", "phase", "perplexity", markers: true));
        }

        if (!data.Results.Shards.IsEmpty)
        {
            yield return ("shards.png", Bars(
                "Tokens of each shard",
                [.. data.Results.Shards.Select(shard => ($"path {shard.Path}", (double)shard.Tokens, 0.0, Units.Short(shard.Tokens), PathColor))]));
        }

        if (!data.Results.Evaluation.IsEmpty)
        {
            yield return ("perplexity.png", Bars(
                "Held-out perplexity, lower is better",
                [.. data.Results.Evaluation.Select(row => (row.Model, row.Perplexity, 0.0, Units.Perplexity(row.Perplexity), row.Kind == ModelKind.Routed ? PathColor : OtherColor))]));
        }
    }

    /// <summary>Curves, with a legend where there are several.</summary>
    public static byte[] Lines(ImmutableArray<Series> curves, string title, string x, string y, bool markers)
    {
        using Plot plot = NewPlot(title);
        plot.XLabel(x);
        plot.YLabel(y);
        plot.Axes.Bottom.TickGenerator = new NumericAutomatic { IntegerTicksOnly = true };
        foreach (Series curve in curves.OrderByDescending(curve => curve.IsFaint))
        {
            ScottPlot.Plottables.Scatter line = plot.Add.Scatter(
                curve.Points.Select(point => point.X).ToArray(), curve.Points.Select(point => point.Y).ToArray(), ColorOf(curve.Color, curve.IsFaint ? 0.3 : 1));
            line.LineWidth = curve.IsFaint ? 1 : 2.5f;
            line.MarkerSize = markers ? 9 : 0;
            line.LegendText = curve.IsFaint ? "" : curve.Name;
        }

        if (curves.Count(curve => !curve.IsFaint) > 1)
        {
            plot.ShowLegend(Alignment.UpperRight);
        }
        else
        {
            plot.HideLegend();
        }

        return Png(plot);
    }

    /// <summary>Horizontal bars with their values written beside them, so that no axis is needed.</summary>
    public static byte[] Bars(string title, ImmutableArray<(string Name, double Value, double Error, string Label, int Color)> bars)
    {
        using Plot plot = NewPlot(title);
        Bar[] drawn = [.. bars.Select((bar, i) => new Bar
        {
            Position = bars.Length - i,
            Value = double.IsFinite(bar.Value) ? bar.Value : 0,
            Error = double.IsFinite(bar.Error) ? bar.Error : 0,
            FillColor = ColorOf(bar.Color, 1),
            Label = $"{bar.Label}",
            LineWidth = 0,
            Size = 0.7,
        })];
        ScottPlot.Plottables.BarPlot plottable = plot.Add.Bars(drawn);
        plottable.Horizontal = true;
        plottable.ValueLabelStyle.ForeColor = Ink;
        plot.Axes.Bottom.IsVisible = false;
        plot.Axes.Left.FrameLineStyle.Width = 0;
        plot.Axes.Left.SetTicks([.. drawn.Select(bar => bar.Position)], [.. bars.Select(bar => bar.Name)]);
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Axes.Margins(left: 0, right: 0.12);
        plot.HideGrid();
        return Png(plot);
    }

    private static Plot NewPlot(string title)
    {
        Plot plot = new();
        plot.Title(title);
        plot.Font.Set(PlotFont.Family);
        plot.ScaleFactor = 1.6;
        plot.Grid.MajorLineColor = Colors.Black.WithAlpha(0.08);
        plot.Axes.Right.FrameLineStyle.Width = 0;
        plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Axes.Title.Label.ForeColor = Ink;
        foreach (IAxis axis in new IAxis[] { plot.Axes.Bottom, plot.Axes.Left })
        {
            axis.Label.Bold = false;
            axis.Label.ForeColor = Ink;
            axis.MinorTickStyle.Length = 0;
        }

        plot.Legend.OutlineWidth = 0;
        plot.Legend.ShadowColor = Colors.Transparent;
        return plot;
    }

    private static Color ColorOf(int index, double alpha) => Color.FromHex(Palette.Light[index % Palette.Count]).WithAlpha(alpha);

    private static byte[] Png(Plot plot) => plot.GetImage(Width, Height).GetImageBytes(ImageFormat.Png);
}
