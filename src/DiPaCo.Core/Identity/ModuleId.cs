using System.Text.Json.Serialization;

namespace DiPaCo.Core;

/// <summary>
/// A module by its canonical name: <c>embedding</c>, <c>head</c>, <c>level1.expert3</c>, <c>level2.path17</c>,
/// <c>level1.block0.path17</c>, <c>embedding.path17</c>. Levels count from 1 as in the paper; experts, blocks and paths from 0.
/// </summary>
/// <param name="Name">The canonical name: lower-case letters, digits and dots.</param>
[JsonConverter(typeof(ModuleIdJsonConverter))]
public readonly record struct ModuleId(string Name) : IComparable<ModuleId>
{
    /// <summary>The one module of a dense model, <c>dense</c>.</summary>
    public static ModuleId Dense { get; } = new("dense");

    /// <inheritdoc/>
    public int CompareTo(ModuleId other) => string.CompareOrdinal(Name, other.Name);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator <(ModuleId left, ModuleId right) => left.CompareTo(right) < 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator >(ModuleId left, ModuleId right) => left.CompareTo(right) > 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator <=(ModuleId left, ModuleId right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator >=(ModuleId left, ModuleId right) => left.CompareTo(right) >= 0;
}
