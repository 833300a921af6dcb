using System.Collections.Immutable;

namespace DiPaCo.Cli.Report;

/// <summary>A curve.</summary>
/// <param name="Name">What the legend says.</param>
/// <param name="Color">Number of its color in the palette, from 0.</param>
/// <param name="Points">The points, x ascending.</param>
internal sealed record Series(string Name, int Color, ImmutableArray<(double X, double Y)> Points)
{
    /// <summary>Whether the curve is one of many that form a band: thin, and without an entry of its own in the legend.</summary>
    public bool IsFaint { get; init; }
}
