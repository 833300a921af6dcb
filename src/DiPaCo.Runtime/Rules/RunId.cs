namespace DiPaCo.Runtime.Rules;

/// <summary>A run by its name.</summary>
/// <param name="Name">Unique in the cluster.</param>
public readonly record struct RunId(string Name) : IComparable<RunId>
{
    /// <inheritdoc/>
    public int CompareTo(RunId other) => string.CompareOrdinal(Name, other.Name);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator <(RunId left, RunId right) => left.CompareTo(right) < 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator >(RunId left, RunId right) => left.CompareTo(right) > 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator <=(RunId left, RunId right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator >=(RunId left, RunId right) => left.CompareTo(right) >= 0;
}
