namespace DiPaCo.Runtime.Rules;

/// <summary>A worker by its name, the same each time it comes back.</summary>
/// <param name="Name">Unique in the cluster.</param>
public readonly record struct WorkerId(string Name) : IComparable<WorkerId>
{
    /// <inheritdoc/>
    public int CompareTo(WorkerId other) => string.CompareOrdinal(Name, other.Name);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator <(WorkerId left, WorkerId right) => left.CompareTo(right) < 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator >(WorkerId left, WorkerId right) => left.CompareTo(right) > 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator <=(WorkerId left, WorkerId right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator >=(WorkerId left, WorkerId right) => left.CompareTo(right) >= 0;
}
