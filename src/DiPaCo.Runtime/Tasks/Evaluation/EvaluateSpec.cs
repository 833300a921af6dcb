using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Scores documents of one split under one path. No blob; metrics: <see cref="EvaluationMetrics"/>.</summary>
/// <param name="Model">The path.</param>
/// <param name="Chunks">Token chunks.</param>
/// <param name="Tokenizer">Tells how many bytes a token stands for.</param>
/// <param name="Split">Which of their documents.</param>
/// <param name="Sequences">How documents become sequences.</param>
/// <param name="LastRank">The largest rank that is scored (<see cref="HeldOutMetrics.LastRank"/>); the largest number of all: every document.</param>
public sealed record EvaluateSpec(
    PathInput Model, ImmutableArray<BlobHash> Chunks, BlobHash Tokenizer, Split Split, SequenceInput Sequences, ulong LastRank) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "evaluate";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Model.Blobs, .. Chunks, Tokenizer];
}
