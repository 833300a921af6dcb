using DiPaCo.Core.Configuration;

namespace DiPaCo.Routing;

/// <summary>What is done after every document has its best path.</summary>
public sealed record ShardOptions
{
    /// <summary>Smallest shard as a share of the mean shard, 0 to 1; smaller ones are refilled. No shard is ever empty.</summary>
    public double MinimumShare { get; init; } = 0.1;

    /// <summary>Largest shard as a multiple of the mean shard, at least 1; null: as large as it comes.</summary>
    public double? CapacityFactor { get; init; }

    /// <summary>Which documents leave a shard that is above its capacity.</summary>
    public ShardBalance Balance { get; init; } = ShardBalance.Capacity;

    /// <summary>Shards that each document goes to, its best ones; 1 is a partition (paper §2.4.4: 2 for 256 paths, in training only).</summary>
    public int Overlap { get; init; } = 1;

    /// <summary>Threads at most; the result does not depend on it.</summary>
    public int Threads { get; init; } = 1;
}
