using System.Globalization;

namespace DiPaCo.Runtime.Rules;

/// <summary>The fencing number of a lease. A later lease has a larger one, whatever the task and the worker, so an old lease is always known as old.</summary>
/// <param name="Value">Counts from 1; 0 is no lease.</param>
public readonly record struct LeaseNumber(long Value) : IComparable<LeaseNumber>
{
    /// <summary>Smaller than that of every lease.</summary>
    public static LeaseNumber None { get; }

    /// <summary>The number of the next lease.</summary>
    public LeaseNumber Next => new(checked(Value + 1));

    /// <inheritdoc/>
    public int CompareTo(LeaseNumber other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Orders by time of lease.</summary>
    public static bool operator <(LeaseNumber left, LeaseNumber right) => left.Value < right.Value;

    /// <summary>Orders by time of lease.</summary>
    public static bool operator >(LeaseNumber left, LeaseNumber right) => left.Value > right.Value;

    /// <summary>Orders by time of lease.</summary>
    public static bool operator <=(LeaseNumber left, LeaseNumber right) => left.Value <= right.Value;

    /// <summary>Orders by time of lease.</summary>
    public static bool operator >=(LeaseNumber left, LeaseNumber right) => left.Value >= right.Value;
}
