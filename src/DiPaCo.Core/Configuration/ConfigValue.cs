using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>One key of a complete configuration, in the order in which a file lists them.</summary>
/// <param name="Key">Full path, for example <c>recipe.inner_steps</c>.</param>
/// <param name="Yaml">The value as YAML; for a list, its items.</param>
/// <param name="Origin">Whether the file states it.</param>
/// <param name="Summary">What the key means, in one line.</param>
public sealed record ConfigValue(string Key, ConfigYaml Yaml, ConfigOrigin Origin, string Summary);

/// <summary>A value as YAML text.</summary>
/// <param name="Scalar">The text that follows the key; null for a list.</param>
/// <param name="Items">One text per item of a list.</param>
public sealed record ConfigYaml(string? Scalar, ImmutableArray<string> Items)
{
    /// <summary>A single value.</summary>
    public static ConfigYaml Of(string scalar) => new(scalar, []);

    /// <summary>A list, one item per line.</summary>
    public static ConfigYaml List(IEnumerable<string> items) => new(null, [.. items]);
}
