using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Compares the router of documents with a random and an all-knowing one on documents that were scored under every path. No blob;
/// metrics: <see cref="RouterBoundsMetrics"/>.
/// </summary>
/// <param name="Router">The router of documents.</param>
/// <param name="Chunks">The token chunks that were scored.</param>
/// <param name="Features">Features of all their documents, chunk by chunk; none where the router needs none.</param>
/// <param name="Losses">Loss matrices; together they have every path.</param>
public sealed record RouterBoundsSpec(
    BlobHash Router, ImmutableArray<BlobHash> Chunks, ImmutableArray<BlobHash> Features, ImmutableArray<BlobHash> Losses) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "router-bounds";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [Router, .. Chunks, .. Features, .. Losses];
}
