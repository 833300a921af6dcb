using System.Collections.Immutable;

namespace DiPaCo.Runtime.Rules;

/// <summary>The rates at which the latest tasks of a kind were computed, whoever did it.</summary>
/// <param name="Recent">FLOP/s, oldest first, up to a bound.</param>
/// <param name="Median">Their median.</param>
public sealed record KindRates(ImmutableArray<double> Recent, double Median)
{
    /// <summary>Rates that are remembered: enough for a median, few enough to sort on every completion.</summary>
    public const int Bound = 63;

    /// <summary>Nothing measured.</summary>
    public static KindRates None { get; } = new([], 0);

    /// <summary>With one rate more.</summary>
    public KindRates With(double rate)
    {
        ImmutableArray<double> recent = Recent.Length < Bound ? Recent.Add(rate) : Recent.RemoveAt(0).Add(rate);
        ImmutableArray<double> sorted = recent.Sort();
        return new KindRates(recent, sorted[sorted.Length / 2]);
    }
}
