using System.Collections.Immutable;

namespace DiPaCo.Cli.Report;

/// <summary>A linear axis from data to pixels, with ticks at round numbers.</summary>
internal sealed class AxisScale
{
    private readonly double _low;
    private readonly double _high;
    private readonly double _start;
    private readonly double _end;

    /// <summary>Creates the axis.</summary>
    /// <param name="low">Smallest value of the data.</param>
    /// <param name="high">Largest value of the data.</param>
    /// <param name="start">Pixel of the lowest tick.</param>
    /// <param name="end">Pixel of the highest tick.</param>
    /// <param name="ticks">About how many ticks.</param>
    /// <param name="fit">Whether the axis ends where the data ends, rather than at a tick.</param>
    /// <param name="whole">Whether the values are whole numbers, so that ticks between them would mean nothing.</param>
    public AxisScale(double low, double high, double start, double end, int ticks, bool fit = false, bool whole = false)
    {
        double span = high > low ? high - low : Math.Max(1e-6, Math.Abs(low));
        double step = Math.Max(whole ? 1 : 0, RoundStep(span / ticks));
        _low = fit ? low : Math.Floor(low / step) * step;
        _high = fit ? low + span : Math.Ceiling((low + span) / step) * step;
        _start = start;
        _end = end;
        double first = Math.Ceiling((_low / step) - 1e-9);
        int count = (int)(Math.Floor((_high / step) + 1e-9) - first) + 1;
        Ticks = [.. Enumerable.Range(0, count).Select(i => (first + i) * step)];
        Decimals = Math.Max(0, -(int)Math.Floor(Math.Log10(step) + 1e-9));
    }

    /// <summary>The ticks, ascending.</summary>
    public ImmutableArray<double> Ticks { get; }

    /// <summary>Decimals that tell the ticks apart.</summary>
    public int Decimals { get; }

    /// <summary>The pixel of a value.</summary>
    public double At(double value) => _start + ((value - _low) / (_high - _low) * (_end - _start));

    private static double RoundStep(double step)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(step)));
        return (step / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 } * power;
    }
}
