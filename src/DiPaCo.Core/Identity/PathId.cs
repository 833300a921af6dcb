using System.Globalization;
using System.Text.Json.Serialization;

namespace DiPaCo.Core;

/// <summary>
/// A path: the mixed-radix number of its expert choices, first level most significant,
/// the replica (if any) least significant.
/// </summary>
/// <param name="Value">Zero-based number.</param>
[JsonConverter(typeof(PathIdJsonConverter))]
public readonly record struct PathId(int Value) : IComparable<PathId>
{
    /// <inheritdoc/>
    public int CompareTo(PathId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Orders by number.</summary>
    public static bool operator <(PathId left, PathId right) => left.Value < right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator >(PathId left, PathId right) => left.Value > right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator <=(PathId left, PathId right) => left.Value <= right.Value;

    /// <summary>Orders by number.</summary>
    public static bool operator >=(PathId left, PathId right) => left.Value >= right.Value;
}
