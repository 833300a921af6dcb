using System.Collections.Immutable;

namespace DiPaCo.Core;

/// <summary>A tensor inside a module's flat buffer.</summary>
/// <param name="Name">Hugging Face style name, with query/key/value and gate/up fused, for example <c>model.layers.3.self_attn.qkv_proj.weight</c>.</param>
/// <param name="Rows">Rows of a matrix, or the length of a vector.</param>
/// <param name="Columns">Columns of a matrix, or 0 for a vector.</param>
/// <param name="Offset">First element in the flat buffer; a multiple of <see cref="ModuleLayout.Alignment"/>.</param>
public sealed record NamedTensor(string Name, int Rows, int Columns, long Offset)
{
    /// <summary>Whether this is a matrix. Only matrices have weight decay.</summary>
    public bool IsMatrix => Columns > 0;

    /// <summary>Number of elements.</summary>
    public long Length => IsMatrix ? (long)Rows * Columns : Rows;

    /// <summary>The dimensions, for files.</summary>
    public ImmutableArray<long> Shape => IsMatrix ? [Rows, Columns] : [Rows];
}
