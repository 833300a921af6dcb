using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Sends every document to its path: outputs <c>path3.0</c>, <c>path3.1</c>, …, token chunks with the documents of all splits that
/// belong to path 3. A worker needs nothing of the corpus but its path's chunks. Metrics: <see cref="ShardMetrics"/>.
/// </summary>
/// <param name="Router">The router.</param>
/// <param name="Chunks">Token chunks.</param>
/// <param name="Features">Their features, chunk by chunk.</param>
/// <param name="Paths">The paths.</param>
/// <param name="MinimumShare">Smallest shard as a share of the mean shard.</param>
/// <param name="PrefixTokens">Tokens of the prefix; documents that are not longer have nothing to predict and go nowhere.</param>
/// <param name="LossOnPrefix">Whether the prefix's tokens are targets, which shard sizes count.</param>
public sealed record ShardSpec(
    BlobHash Router, ImmutableArray<BlobHash> Chunks, ImmutableArray<BlobHash> Features,
    ImmutableArray<PathId> Paths, double MinimumShare, int PrefixTokens, bool LossOnPrefix) : TaskSpec
{
    /// <summary>Largest training shard as a multiple of the mean shard; null: as large as it comes.</summary>
    public double? CapacityFactor { get; init; }

    /// <summary>Which training documents leave a shard that is above its capacity.</summary>
    public ShardBalance Balance { get; init; }

    /// <summary>Shards that each training document goes to; a held-out one goes to one.</summary>
    public int Overlap { get; init; } = 1;

    /// <inheritdoc/>
    public override string Kind => "shard";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [Router, .. Chunks, .. Features];

    /// <summary>Name of a path's output.</summary>
    public static string Output(PathId path, int chunk) => string.Create(CultureInfo.InvariantCulture, $"path{path.Value}.{chunk}");
}
