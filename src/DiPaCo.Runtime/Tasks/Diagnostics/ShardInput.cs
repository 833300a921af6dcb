using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>A path's shard as an input.</summary>
/// <param name="Path">The path.</param>
/// <param name="Chunks">Its token chunks.</param>
public sealed record ShardInput(PathId Path, ImmutableArray<BlobHash> Chunks);
