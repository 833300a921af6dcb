using System.Collections.Immutable;

namespace DiPaCo.Core;

/// <summary>
/// Levels, sharing and paths of a model. The special cases need nothing else: a dense model is one level with one expert;
/// DiLoCo is the same with <see cref="Replicas"/> N; a flat mixture has private levels and N replicas.
/// </summary>
public sealed record TopologyOptions
{
    /// <summary>The levels, bottom up.</summary>
    public required ImmutableArray<LevelOptions> Levels { get; init; }

    /// <summary>Where the embedding belongs; <see cref="Sharing.Level"/> makes it a part of the first level's modules.</summary>
    public required Sharing Embedding { get; init; }

    /// <summary>Where the final norm and the output matrix belong; <see cref="Sharing.Level"/> makes them a part of the last level's modules.</summary>
    public required Sharing Head { get; init; }

    /// <summary>Paths per combination of experts, at least 1. Each replica has its own shard (and its own private modules).</summary>
    public int Replicas { get; init; } = 1;

    /// <summary>The expert choices of the paths that exist; empty: all products.</summary>
    public ImmutableArray<ImmutableArray<int>> Paths { get; init; } = [];
}
