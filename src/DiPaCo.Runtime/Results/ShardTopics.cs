using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>What a shard's training documents are about.</summary>
/// <param name="Path">The path.</param>
/// <param name="Sources">All sources of its documents, most frequent first.</param>
/// <param name="Topics">The most distinctive tokens, most distinctive first.</param>
public sealed record ShardTopics(PathId Path, ImmutableArray<SourceCount> Sources, ImmutableArray<Topic> Topics);
