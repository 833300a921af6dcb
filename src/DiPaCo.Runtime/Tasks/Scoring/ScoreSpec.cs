using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Losses of documents under several paths at once (paper §2.4.2): what the paths have in common is computed once. Output:
/// <c>losses</c>, a <see cref="LossMatrix"/>. Metrics: <see cref="ScoreMetrics"/>.
/// </summary>
/// <param name="Paths">The paths, in order of their ids; they divide the transformer into modules alike.</param>
/// <param name="Chunks">Token chunks.</param>
/// <param name="Tokenizer">Tells how many bytes a token stands for.</param>
/// <param name="Split">Which of their documents.</param>
/// <param name="LastRank">The largest rank that is scored (<see cref="HeldOutMetrics.LastRank"/>).</param>
/// <param name="Sequences">How documents become sequences: as in an <see cref="EvaluateSpec"/>.</param>
/// <param name="Cell">Tokens of a cell, counted from the end of the prefix; 0: all tokens of the document.</param>
public sealed record ScoreSpec(
    ImmutableArray<PathColumn> Paths, ImmutableArray<BlobHash> Chunks, BlobHash Tokenizer, Split Split, ulong LastRank,
    SequenceInput Sequences, int Cell) : TaskSpec
{
    /// <summary>Name of the output.</summary>
    public const string Output = "losses";

    /// <inheritdoc/>
    public override string Kind => "score";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Paths.SelectMany(path => path.Model.Blobs), .. Chunks, Tokenizer];
}
