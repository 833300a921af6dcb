using System.Collections.Immutable;
using System.Text.Json.Serialization;
using DiPaCo.Core;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>The outer step of one module. Outputs: <c>module</c>, its next version, and <c>momentum</c>. Metrics: <see cref="OuterMetrics"/>.</summary>
/// <param name="Shape">The transformer.</param>
/// <param name="Module">The module's version that the phase started from.</param>
/// <param name="Momentum">Its momentum; null: zeros.</param>
/// <param name="Contributions">Of all paths through it that are not in <see cref="Folded"/>, in order of path ids.</param>
/// <param name="Options">η, μ and s.</param>
public sealed record OuterSpec(
    TransformerShape Shape, ModuleInput Module, BlobHash? Momentum,
    ImmutableArray<Contribution> Contributions, OuterStepOptions Options) : TaskSpec
{
    /// <summary>Whether contributions are encoded deltas; otherwise they are θ_i.</summary>
    public bool Encoded { get; init; }

    /// <summary>What was added up while other paths were still training, of paths with smaller ids; null: nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FoldedSums? Folded { get; init; }

    /// <summary>Name of the next version's output.</summary>
    public const string ModuleOutput = "module";

    /// <summary>Name of the momentum's output.</summary>
    public const string MomentumOutput = "momentum";

    /// <inheritdoc/>
    public override string Kind => "outer";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs =>
    [
        Module.Blob, .. Momentum is { } state ? [state] : Array.Empty<BlobHash>(), .. Folded is { } folded ? [folded.Blob] : Array.Empty<BlobHash>(),
        .. Contributions.Select(contribution => contribution.Blob),
    ];
}
