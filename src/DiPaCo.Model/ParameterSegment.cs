using DiPaCo.Core;

namespace DiPaCo.Model;

/// <summary>A module's place in a path's flat buffers.</summary>
/// <param name="Module">The module.</param>
/// <param name="Layout">Its tensors, relative to <paramref name="Offset"/>.</param>
/// <param name="Offset">Its first element.</param>
public sealed record ParameterSegment(ModuleId Module, ModuleLayout Layout, long Offset)
{
    /// <summary>Elements of the module, padding included.</summary>
    public long Length => Layout.Length;

    /// <summary>Elements at the front of the segment that have weight decay: the matrices.</summary>
    public long DecayLength => Layout.DecayLength;
}
