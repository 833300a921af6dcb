using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Lets one path go on writing. No blob; metrics: <see cref="SampleMetrics"/>.</summary>
/// <param name="Model">The path.</param>
/// <param name="Prompt">Tokens to go on from, at least one.</param>
/// <param name="Tokens">Tokens to write.</param>
/// <param name="EndOfText">Ends the text early.</param>
/// <param name="Temperature">Divides the logits; positive.</param>
/// <param name="Seed">Pseudo-random seed.</param>
public sealed record SampleSpec(
    PathInput Model, ImmutableArray<int> Prompt, int Tokens, int EndOfText, double Temperature, long Seed) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "sample";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => Model.Blobs;
}
