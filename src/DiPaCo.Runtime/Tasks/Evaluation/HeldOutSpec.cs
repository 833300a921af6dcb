using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Chooses the held-out documents that are scored, before any of them is routed. No blob; metrics: <see cref="HeldOutMetrics"/>.
/// </summary>
/// <param name="Chunks">Token chunks of the whole corpus.</param>
/// <param name="Split">Which of their documents.</param>
/// <param name="PrefixTokens">Documents that are not longer have nothing to predict and are left out.</param>
/// <param name="MaxDocuments">Documents at most; 0: all.</param>
public sealed record HeldOutSpec(ImmutableArray<BlobHash> Chunks, Split Split, int PrefixTokens, int MaxDocuments) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "held-out";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => Chunks;
}
