using System.Collections.Immutable;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a topics task reports.</summary>
/// <param name="Shards">One element per shard, in order of path ids.</param>
public sealed record TopicsMetrics(ImmutableArray<ShardTopics> Shards);
