using System.Collections.Immutable;
using System.Text.Json.Serialization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>The outer step of one module. Outputs: <c>module</c>, its next version, and <c>momentum</c>; where paths train from another, <c>published</c> and <c>published-delta</c>. Metrics: <see cref="OuterMetrics"/>.</summary>
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

    /// <summary>
    /// θ̂, which the paths have trained from, where it is needed: to take it off what they bring, or to publish what is new since; null:
    /// they have trained from <see cref="Module"/>, or it is not needed.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BlobHash? Published { get; init; }

    /// <summary>What the next phase's paths train from is written as: further outputs. With <see cref="DownloadCodec.Fp32"/> there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DownloadCodec Download { get; init; }

    /// <summary>Name of the output that the next phase's paths train from.</summary>
    public const string PublishedOutput = "published";

    /// <summary>Name of the output that leads there from what was published before.</summary>
    public const string PublishedDeltaOutput = "published-delta";

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
        Module.Blob,
        .. Momentum is { } state ? [state] : Array.Empty<BlobHash>(),
        .. Published is { } published ? [published] : Array.Empty<BlobHash>(),
        .. Folded is { } folded ? [folded.Blob] : Array.Empty<BlobHash>(),
        .. Contributions.Select(contribution => contribution.Blob),
    ];

    /// <summary>What a result publishes; null: paths train from the module itself.</summary>
    public PublishedVersion? PublishedOf(TaskResult result) => Download == DownloadCodec.Fp32 ? null : new PublishedVersion(
        result[PublishedOutput], Download.IsDelta() ? new VersionDelta(Published ?? Module.Blob, result[PublishedDeltaOutput]) : null);
}
