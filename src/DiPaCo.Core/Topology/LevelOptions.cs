using System.Collections.Immutable;

namespace DiPaCo.Core;

/// <summary>One level: a run of consecutive blocks with K interchangeable modules.</summary>
public sealed record LevelOptions
{
    /// <summary>Consecutive blocks of the level, at least 1.</summary>
    public required int Blocks { get; init; }

    /// <summary>Number of experts K_l, at least 1; 1 when the level is shared or private.</summary>
    public int Experts { get; init; } = 1;

    /// <summary>
    /// <see cref="Core.Sharing.Level"/>: the experts; <see cref="Core.Sharing.Shared"/>: one module for all paths (K = 1);
    /// <see cref="Core.Sharing.Private"/>: one module per path.
    /// </summary>
    public Sharing Sharing { get; init; } = Sharing.Level;

    /// <summary>Blocks inside the level, counted from 0 at its bottom, that every path has for itself (paper §4.2).</summary>
    public ImmutableArray<int> PrivateBlocks { get; init; } = [];
}
