using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Fits the router on the features of the training documents. Output: <c>router</c>. Metrics: <see cref="RoutingMetrics"/>.</summary>
/// <param name="Chunks">Token chunks.</param>
/// <param name="Features">Their features, chunk by chunk.</param>
/// <param name="Paths">The paths to route to.</param>
/// <param name="Experts">Experts of each level.</param>
/// <param name="Replicas">Paths per combination of experts.</param>
/// <param name="Options">Method and constants; what only shards depend on, at its default (<see cref="RoutingOptions.OfRouter"/>).</param>
/// <param name="Seed">Pseudo-random seed.</param>
public sealed record RouterSpec(
    ImmutableArray<BlobHash> Chunks, ImmutableArray<BlobHash> Features, ImmutableArray<PathId> Paths,
    ImmutableArray<int> Experts, int Replicas, RoutingOptions Options, long Seed) : TaskSpec
{
    /// <summary>Name of the output.</summary>
    public const string Output = "router";

    /// <inheritdoc/>
    public override string Kind => "router";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Chunks, .. Features];
}
