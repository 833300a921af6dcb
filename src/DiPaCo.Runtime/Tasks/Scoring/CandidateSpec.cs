using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Losses of documents, each under those of the given paths that are among the n that a router scores highest for it: what
/// <see cref="ScoreSpec"/> does where all paths are too many (paper §2.4.2). Output: <c>losses</c>, <see cref="CandidateLosses"/>.
/// Metrics: <see cref="CandidateMetrics"/>.
/// </summary>
/// <param name="Paths">The paths of this task, in order of their ids; they divide the transformer into modules alike.</param>
/// <param name="Chunks">Token chunks.</param>
/// <param name="Features">Their features, chunk by chunk.</param>
/// <param name="Router">Chooses each document's candidates among all of its paths, of which this task may have only some.</param>
/// <param name="Candidates">Candidates n of each document.</param>
/// <param name="Split">Which of the documents.</param>
/// <param name="LastRank">The largest rank that is scored (<see cref="HeldOutMetrics.LastRank"/>).</param>
/// <param name="Sequences">How documents become sequences: as in an <see cref="EvaluateSpec"/>.</param>
public sealed record CandidateSpec(
    ImmutableArray<PathColumn> Paths, ImmutableArray<BlobHash> Chunks, ImmutableArray<BlobHash> Features, BlobHash Router, int Candidates,
    Split Split, ulong LastRank, SequenceInput Sequences) : TaskSpec
{
    /// <summary>Name of the output.</summary>
    public const string Output = "losses";

    /// <inheritdoc/>
    public override string Kind => "score-candidates";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Paths.SelectMany(path => path.Model.Blobs), .. Chunks, .. Features, Router];
}
