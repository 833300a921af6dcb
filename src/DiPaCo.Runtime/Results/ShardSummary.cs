using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>One shard.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Documents">Training documents.</param>
/// <param name="Tokens">Their tokens.</param>
/// <param name="Sources">The most frequent sources with their number of documents, most frequent first.</param>
public sealed record ShardSummary(PathId Path, long Documents, long Tokens, ImmutableArray<SourceCount> Sources);
