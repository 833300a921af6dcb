using System.Collections.Immutable;
using System.Text.Json.Serialization;
using DiPaCo.Core;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Inner steps of one path on its shard (paper Algorithm 1, the inner loop). Outputs: one blob per module under the module's name
/// (the parameters θ_i with which the path ends, or their encoded delta), and <c>optimizer</c>. Metrics: <see cref="TrainMetrics"/>.
/// </summary>
public sealed record TrainSpec : TaskSpec
{
    /// <summary>Name of the optimizer's output.</summary>
    public const string OptimizerOutput = "optimizer";

    /// <inheritdoc/>
    public override string Kind => "train";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Model.Blobs, .. Optimizer is { } state ? [state] : Array.Empty<BlobHash>(), .. Shard];

    /// <inheritdoc/>
    [JsonIgnore]
    public override IEnumerable<BuildableModule> Buildable => Model.Modules
        .Where(module => module.Delta is not null)
        .Select(module => new BuildableModule(Model.Shape, module.Parts, module.Blob, module.Delta!));

    /// <summary>The path's modules at the start.</summary>
    public required PathInput Model { get; init; }

    /// <summary>AdamW's moments at the start; null: zeros.</summary>
    public BlobHash? Optimizer { get; init; }

    /// <summary>Token chunks; their training documents are the shard.</summary>
    public required ImmutableArray<BlobHash> Shard { get; init; }

    /// <summary>How documents become sequences.</summary>
    public required SequenceInput Sequences { get; init; }

    /// <summary>Sequences of a step.</summary>
    public required int BatchSequences { get; init; }

    /// <summary>Steps that the path made before, on whatever shard: they fix the batches.</summary>
    public required int FirstStep { get; init; }

    /// <summary>Place of the first step in the schedule, from 0.</summary>
    public required int ScheduleStep { get; init; }

    /// <summary>Steps to make, τ.</summary>
    public required int Steps { get; init; }

    /// <summary>The stage's learning rates.</summary>
    public required LearningRateSchedule Schedule { get; init; }

    /// <summary>The inner optimizer.</summary>
    public required AdamWOptions AdamW { get; init; }

    /// <summary>
    /// How contributions are encoded; null: they are θ_i. What a codec leaves out is kept beside AdamW's moments, as the tensor
    /// <c>{module}.residual</c>, and goes into the next phase's.
    /// </summary>
    public ContributionCodec? Codec { get; init; }

    /// <summary>Seed of the order of sequences.</summary>
    public required long Seed { get; init; }

    /// <summary>Which order of sequences: the path's number; −1 for the base model, −2 and −3 for the dense baselines.</summary>
    public required long Order { get; init; }
}
