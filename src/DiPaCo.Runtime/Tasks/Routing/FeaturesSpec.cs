using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Features of every document of a token chunk: the mean over the prefix of the base model's last hidden states (paper §2.4).
/// Output: <c>features</c>, one row a document in the order of the chunk. Metrics: <see cref="RoutingMetrics"/>.
/// </summary>
/// <param name="Base">The base model, as it was at the fork.</param>
/// <param name="Chunk">Token chunk.</param>
/// <param name="PrefixTokens">Tokens of the prefix.</param>
public sealed record FeaturesSpec(PathInput Base, BlobHash Chunk, int PrefixTokens) : TaskSpec
{
    /// <summary>Name of the output.</summary>
    public const string Output = "features";

    /// <inheritdoc/>
    public override string Kind => "features";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Base.Blobs, Chunk];
}
