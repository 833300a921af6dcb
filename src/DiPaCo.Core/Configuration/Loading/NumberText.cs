using System.Globalization;
using System.Text.RegularExpressions;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// Numbers as people write them: <c>300</c>, <c>10_000</c>, <c>0.5</c>, <c>1e-3</c>. Never hexadecimal, never with leading
/// zeros (octal in one version of YAML, decimal in the next), never infinite.
/// </summary>
internal static partial class NumberText
{
    public static bool TryWhole(string text, out long value)
    {
        value = 0;
        if (!Pattern.IsMatch(text))
        {
            return false;
        }

        string digits = text.Replace("_", "", StringComparison.Ordinal);
        if (long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value))
        {
            return true;
        }

        // 1e6 is a whole number too; decimal keeps it exact.
        bool whole = decimal.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal exact)
            && decimal.Truncate(exact) == exact && exact >= long.MinValue && exact <= long.MaxValue;
        value = whole ? (long)exact : 0;
        return whole;
    }

    public static bool TryReal(string text, out double value)
    {
        value = 0;
        return Pattern.IsMatch(text)
            && double.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out value)
            && double.IsFinite(value);
    }

    /// <summary>The shortest text that reads back as the same number.</summary>
    public static string Of(double value) => value.ToString("R", CultureInfo.InvariantCulture)
        .Replace("E-0", "e-", StringComparison.Ordinal).Replace("E+", "e", StringComparison.Ordinal).Replace('E', 'e');

    /// <summary>The number with its thousands apart: <c>24_000</c>.</summary>
    public static string Of(long value) => Math.Abs(value) < 10_000
        ? value.ToString(CultureInfo.InvariantCulture)
        : value.ToString("N0", CultureInfo.InvariantCulture).Replace(',', '_');

    [GeneratedRegex(@"^[+-]?(0|[1-9][0-9]*(_[0-9]+)*)(\.[0-9]+(_[0-9]+)*)?([eE][+-]?[0-9]{1,4})?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern { get; }
}
