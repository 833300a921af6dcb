using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Fits a router on which path is best for each scored document (paper §2.4.2, §7.2.1): a linear classifier of the features, then a bias per
/// path so that the training documents go to the paths in the proportions in which the paths were best. Output: <c>router</c>. Metrics:
/// <see cref="DiscriminativeMetrics"/>.
/// </summary>
/// <param name="Losses">
/// Losses of the router split's documents: of a <see cref="ScoreSpec"/>'s kind, with a column for every path in the matrices together, or
/// of a <see cref="CandidateSpec"/>'s.
/// </param>
/// <param name="Chunks">Token chunks.</param>
/// <param name="Features">Their features, chunk by chunk.</param>
/// <param name="Paths">The paths.</param>
/// <param name="PrefixTokens">Tokens of the prefix.</param>
/// <param name="WeightPenalty">Penalty on the classifier's weights.</param>
public sealed record DiscriminativeSpec(
    ImmutableArray<BlobHash> Losses, ImmutableArray<BlobHash> Chunks, ImmutableArray<BlobHash> Features, ImmutableArray<PathId> Paths,
    int PrefixTokens, double WeightPenalty) : TaskSpec
{
    /// <summary>Candidates of each document; 0 where it was scored under all paths.</summary>
    public int Candidates { get; init; }

    /// <inheritdoc/>
    public override string Kind => "discriminative-router";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Losses, .. Chunks, .. Features];
}
