using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>How far modules of one layout, such as the experts of a level, have come from the base model and from each other. No blob; metrics: <see cref="DriftMetrics"/>.</summary>
/// <param name="Shape">The transformer.</param>
/// <param name="Base">The base model's parameters.</param>
/// <param name="Modules">Modules that own the same parts.</param>
public sealed record DriftSpec(TransformerShape Shape, BlobHash Base, ImmutableArray<ModuleInput> Modules) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "drift";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [Base, .. Modules.Select(module => module.Blob)];
}
