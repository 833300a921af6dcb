using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a sharding task reports.</summary>
/// <param name="Paths">One element a path, in order of path ids.</param>
public sealed record ShardMetrics(ImmutableArray<ShardSize> Paths);

/// <summary>The shard of one path.</summary>
/// <param name="Path">The path.</param>
/// <param name="Chunks">Number of its token chunks.</param>
/// <param name="TrainDocuments">Training documents.</param>
/// <param name="TrainTokens">Their scored tokens: the targets of one epoch.</param>
/// <param name="ValidationDocuments">Validation documents.</param>
/// <param name="TestDocuments">Test documents.</param>
/// <param name="Sources">The most frequent sources of the training documents.</param>
public sealed record ShardSize(
    PathId Path, int Chunks, long TrainDocuments, long TrainTokens, long ValidationDocuments, long TestDocuments,
    ImmutableArray<SourceCount> Sources);
