using System.Globalization;

namespace DiPaCo.Core.Configuration;

/// <summary>The real numbers that a key accepts.</summary>
/// <param name="Least">Lower end.</param>
/// <param name="Most">Upper end.</param>
/// <param name="OpenBelow">Whether the lower end itself is excluded.</param>
/// <param name="OpenAbove">Whether the upper end itself is excluded.</param>
internal readonly record struct Interval(double Least, double Most, bool OpenBelow = false, bool OpenAbove = false)
{
    public bool Contain(double value) =>
        (OpenBelow ? value > Least : value >= Least) && (OpenAbove ? value < Most : value <= Most);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"a number {(OpenBelow ? "above" : "from")} {Least} {(OpenAbove ? "to below" : "to")} {Most}");
}
