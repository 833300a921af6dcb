using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Takes over the tokenizer's chat template. It reaches no weight: it is for those who serve the model. Output: <c>chat_template</c>.</summary>
/// <param name="Format">Hash of template and tokens as the run keeps them.</param>
public sealed record ChatTemplateSpec(BlobHash Format) : TaskSpec
{
    /// <summary><see cref="Kind"/>; a run has at most one task of it.</summary>
    public const string TaskKind = "chat-template";

    /// <summary>Name of the output.</summary>
    public const string Output = "chat_template";

    /// <inheritdoc/>
    public override string Kind => TaskKind;

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [];
}
