using System.Globalization;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Turns the corpus into token chunks: outputs <c>chunk00000</c>, <c>chunk00001</c>, …</summary>
/// <param name="Manifest">The corpus.</param>
/// <param name="Tokenizer">The tokenizer.</param>
public sealed record TokenizeSpec(BlobHash Manifest, BlobHash Tokenizer) : TaskSpec
{
    /// <summary><see cref="Kind"/>; a run has one task of it.</summary>
    public const string TaskKind = "tokenize";

    /// <inheritdoc/>
    public override string Kind => TaskKind;

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [Manifest, Tokenizer];

    /// <summary>Name of an output; the names sort in the order of the corpus.</summary>
    public static string Output(int chunk) => string.Create(CultureInfo.InvariantCulture, $"chunk{chunk:00000}");
}
