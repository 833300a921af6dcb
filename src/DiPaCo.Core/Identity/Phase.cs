using System.Globalization;
using System.Text.Json.Serialization;

namespace DiPaCo.Core;

/// <summary>
/// A phase: τ inner steps on every path, then one outer step on every module (paper §2.6, Algorithm 1).
/// Module version t is what phase t starts from; phase t produces version t + 1. Counts from 0.
/// </summary>
/// <param name="Value">Zero-based number.</param>
[JsonConverter(typeof(PhaseJsonConverter))]
public readonly record struct Phase(int Value)
{
    /// <summary>The phase after this one.</summary>
    public Phase Next => new(Value + 1);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
