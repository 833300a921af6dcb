using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Cuts one module out of the base model (paper §2.6: all paths start as copies of it). Output: <c>module</c>.
/// Modules that own the same parts are one task and one blob.
/// </summary>
/// <param name="Shape">The transformer.</param>
/// <param name="Base">The base model's parameters.</param>
/// <param name="Parts">What the module owns.</param>
public sealed record ForkSpec(TransformerShape Shape, BlobHash Base, ImmutableArray<TransformerPart> Parts) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "fork";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [Base];
}
