using System.Collections.Immutable;
using System.Text.Json.Serialization;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Adds a group of contributions to those that were added before it, while other paths of the module still train (paper §3: executors
/// accumulate on-line). The outer step goes on from the last sums, to the bytes that it would have from all contributions at once.
/// Output: <c>sums</c>, Σ α_iθ_i in double precision and ‖θ − θ_i‖² of each contribution so far. Metrics: <see cref="FoldMetrics"/>.
/// </summary>
/// <param name="Shape">The transformer.</param>
/// <param name="Module">The module's version θ that the phase started from.</param>
/// <param name="Contributions">The group, in order of path ids.</param>
public sealed record FoldSpec(TransformerShape Shape, ModuleInput Module, ImmutableArray<Contribution> Contributions) : TaskSpec
{
    /// <summary>Name of the output.</summary>
    public const string SumsOutput = "sums";

    /// <summary>What was added before, of paths with smaller ids; null: this is the first group.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FoldedSums? Before { get; init; }

    /// <summary>θ̂, from which contributions that are θ_i began; null: from the module itself, or they are encoded.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BlobHash? Published { get; init; }

    /// <summary>Whether contributions are encoded deltas; otherwise they are θ_i.</summary>
    public bool Encoded { get; init; }

    /// <inheritdoc/>
    public override string Kind => "fold";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs =>
    [
        Module.Blob, .. Before is { } before ? [before.Blob] : Array.Empty<BlobHash>(), .. Published is { } published ? [published] : Array.Empty<BlobHash>(),
        .. Contributions.Select(contribution => contribution.Blob),
    ];
}
