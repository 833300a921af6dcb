using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Draws the first parameters of a dense model. Output: <c>module</c>.</summary>
/// <param name="Shape">The transformer.</param>
/// <param name="Seed">Pseudo-random seed.</param>
public sealed record InitializeSpec(TransformerShape Shape, long Seed) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "initialize";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [];

    /// <summary>The parts of the whole stack.</summary>
    public ImmutableArray<TransformerPart> Parts => [.. TransformerPart.All(Shape.Blocks)];
}
