using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Takes the first parameters of a dense model from the user's checkpoint folder. Output: <c>module</c>.</summary>
/// <param name="Shape">The transformer.</param>
/// <param name="Checkpoint">SHA-256 over the hashes of the files that hold the parameters.</param>
public sealed record ImportSpec(TransformerShape Shape, BlobHash Checkpoint) : TaskSpec
{
    /// <summary><see cref="Kind"/>; a run has at most one task of it.</summary>
    public const string TaskKind = "import";

    /// <inheritdoc/>
    public override string Kind => TaskKind;

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [];
}
