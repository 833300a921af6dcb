using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Steps of module-wise synchronous training (paper §4.5): at each step every path computes the gradient of a batch of its shard, and
/// every module makes one AdamW step on the weighted mean of the gradients of its paths. Outputs: one blob per module under the module's
/// name, and <c>optimizer</c>. Metrics: <see cref="TrainMetrics"/> of all paths together.
/// </summary>
public sealed record SynchronousSpec : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "synchronous";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs =>
        [.. Modules.Select(module => module.Blob), .. Optimizer is { } state ? [state] : Array.Empty<BlobHash>(), .. Paths.SelectMany(path => path.Shard)];

    /// <summary>The transformer of a path.</summary>
    public required TransformerShape Shape { get; init; }

    /// <summary>Type of the matrix products.</summary>
    public required ComputeType Compute { get; init; }

    /// <summary>All modules of the model at the start.</summary>
    public required ImmutableArray<ModuleInput> Modules { get; init; }

    /// <summary>All paths, in order of their ids.</summary>
    public required ImmutableArray<SynchronousPath> Paths { get; init; }

    /// <summary>AdamW's moments of all modules at the start; null: zeros.</summary>
    public BlobHash? Optimizer { get; init; }

    /// <summary>How documents become sequences.</summary>
    public required SequenceInput Sequences { get; init; }

    /// <summary>Sequences of a path's batch.</summary>
    public required int BatchSequences { get; init; }

    /// <summary>Steps that were made before: they fix the batches.</summary>
    public required int FirstStep { get; init; }

    /// <summary>Place of the first step in the schedule, from 0.</summary>
    public required int ScheduleStep { get; init; }

    /// <summary>Steps to make.</summary>
    public required int Steps { get; init; }

    /// <summary>Learning rates.</summary>
    public required LearningRateSchedule Schedule { get; init; }

    /// <summary>The optimizer. Each path's gradient is clipped by its own norm, as in a path's training, before it is averaged.</summary>
    public required AdamWOptions AdamW { get; init; }

    /// <summary>Seed of the order of sequences.</summary>
    public required long Seed { get; init; }
}
