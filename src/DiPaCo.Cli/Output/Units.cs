namespace DiPaCo.Cli.Output;

/// <summary>Numbers as people read them.</summary>
internal static class Units
{
    private static readonly string[] Prefixes = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];

    /// <summary>A whole number with separators: <c>1,234,567</c>.</summary>
    public static string Count(long count) => count.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A number of things: <c>1 path</c>, <c>16 paths</c>.</summary>
    public static string Count(long count, string noun) => $"{Count(count)} {noun}{(count == 1 ? "" : "s")}";

    /// <summary>Three digits and a word for the magnitude: <c>1.41 M</c>.</summary>
    public static string Short(double value) => Scale(value, "");

    /// <summary>Decimal bytes: <c>11.3 MB</c>.</summary>
    public static string Bytes(double bytes) => Scale(bytes, "B");

    /// <summary>Floating-point operations: <c>5.21 PFLOP</c>.</summary>
    public static string Flops(double flops) => Scale(flops, "FLOP");

    /// <summary>A share: <c>64 %</c>.</summary>
    public static string Percent(double share) => $"{share * 100:0} %";

    /// <summary>A perplexity: <c>113</c>, <c>23.4</c>, <c>8.71</c>.</summary>
    public static string Perplexity(double perplexity) => perplexity switch
    {
        >= 1000 => Count((long)Math.Min(perplexity, long.MaxValue / 2)),
        >= 100 => $"{perplexity:0.0}",
        _ => $"{perplexity:0.00}",
    };

    /// <summary>A duration with its two leading units: <c>0.4 s</c>, <c>41 s</c>, <c>3 min 12 s</c>, <c>2 h 5 min</c>, <c>4 d 3 h</c>; beyond two years <c>17 years</c>.</summary>
    public static string Duration(TimeSpan duration)
    {
        double seconds = duration.TotalSeconds;
        return seconds switch
        {
            < 9.95 => $"{seconds:0.0} s",
            < 59.5 => $"{seconds:0} s",
            < 3600 => $"{(int)duration.TotalMinutes} min {duration.Seconds} s",
            < 86400 => $"{(int)duration.TotalHours} h {duration.Minutes} min",
            < 2 * 365 * 86400.0 => $"{(int)duration.TotalDays} d {duration.Hours} h",
            _ => $"{Count((long)(duration.TotalDays / 365))} years",
        };
    }

    /// <summary>Time since a start, as a clock shows it: <c>0:00:41</c>, <c>25:03:10</c>.</summary>
    public static string Clock(TimeSpan elapsed) => $"{(long)elapsed.TotalHours}:{elapsed:mm\\:ss}";

    private static string Scale(double value, string unit)
    {
        int prefix = 0;
        while (Math.Abs(value) >= 999.5 && prefix < Prefixes.Length - 1)
        {
            value /= 1000;
            prefix++;
        }

        string digits = Math.Abs(value) switch
        {
            _ when prefix == 0 => $"{value:0.##}",
            >= 99.95 => $"{value:0}",
            >= 9.995 => $"{value:0.0}",
            _ => $"{value:0.00}",
        };
        return $"{digits} {Prefixes[prefix]}{unit}".TrimEnd();
    }
}
