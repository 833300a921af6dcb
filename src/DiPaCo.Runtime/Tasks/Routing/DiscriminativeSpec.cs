using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Fits a router on which path is best for each scored document (paper §2.4.2, §7.2.1): a linear classifier of the features, drawn towards
/// an earlier router, then where wanted a bias per path so that the training documents go to the paths in the proportions in which the
/// paths were best. Output: <c>router</c>. Metrics:
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
/// <param name="WeightPenalty">Penalty on the classifier's weights; null: chosen by cross-validation.</param>
public sealed record DiscriminativeSpec(
    ImmutableArray<BlobHash> Losses, ImmutableArray<BlobHash> Chunks, ImmutableArray<BlobHash> Features, ImmutableArray<PathId> Paths,
    int PrefixTokens, double? WeightPenalty) : TaskSpec
{
    /// <summary>Candidates of each document; 0 where it was scored under all paths.</summary>
    public int Candidates { get; init; }

    /// <summary>Parts of the cross-validation.</summary>
    public int Folds { get; init; } = 5;

    /// <summary>The router that the classifier is drawn towards; null: none.</summary>
    public BlobHash? Prior { get; init; }

    /// <summary>What each document weighs.</summary>
    public DocumentWeighting Weighting { get; init; } = DocumentWeighting.Documents;

    /// <summary>What the biases are trained to match.</summary>
    public BiasCalibration Calibration { get; init; } = BiasCalibration.Labels;

    /// <inheritdoc/>
    public override string Kind => "discriminative-router";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Losses, .. Chunks, .. Features, .. Prior is { } prior ? [prior] : Array.Empty<BlobHash>()];
}
