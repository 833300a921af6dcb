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
/// <param name="MaxDocuments">Documents scored at most, spread evenly over the chunks, since neighbors in a corpus are often alike; 0: all.</param>
public sealed record EvaluateSpec(
    PathInput Model, ImmutableArray<BlobHash> Chunks, BlobHash Tokenizer, Split Split, SequenceInput Sequences, int MaxDocuments) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "evaluate";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Model.Blobs, .. Chunks, Tokenizer];
}
