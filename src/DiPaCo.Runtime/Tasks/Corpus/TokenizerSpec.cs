using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Trains the tokenizer on the training documents, or takes the user's file. Output: <c>tokenizer</c>.</summary>
/// <param name="Manifest">The corpus.</param>
/// <param name="Options">Size of a trained vocabulary.</param>
/// <param name="File">Hash of the user's file; null: train.</param>
public sealed record TokenizerSpec(BlobHash Manifest, TokenizerOptions Options, BlobHash? File) : TaskSpec
{
    /// <summary><see cref="Kind"/>; a run has one task of it.</summary>
    public const string TaskKind = "tokenizer";

    /// <summary>Name of the output.</summary>
    public const string Output = "tokenizer";

    /// <inheritdoc/>
    public override string Kind => TaskKind;

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [Manifest];
}
