using System.Collections.Immutable;

namespace DiPaCo.Cli.Report;

/// <summary>Colors of curves and bars, told apart by people of any color vision, on light and on dark ground.</summary>
internal static class Palette
{
    /// <summary>How many there are.</summary>
    public const int Count = 9;

    /// <summary>On light ground: base, dense, then paths.</summary>
    public static ImmutableArray<string> Light { get; } =
        ["#6b7280", "#b45309", "#2563eb", "#0d9488", "#9333ea", "#db2777", "#65a30d", "#0891b2", "#b91c1c"];

    /// <summary>On dark ground.</summary>
    public static ImmutableArray<string> Dark { get; } =
        ["#9ca3af", "#f59e0b", "#60a5fa", "#2dd4bf", "#c084fc", "#f472b6", "#a3e635", "#22d3ee", "#f87171"];
}
