using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// A path after its inner steps, still in the model's own buffers: it is written from there, because a copy of parameters and moments
/// would be the peak of the task's memory.
/// </summary>
/// <param name="model">The path; not owned.</param>
/// <param name="adamW">Its optimizer; owned.</param>
/// <param name="metrics">Losses and the like, of all steps so far.</param>
/// <param name="spec">The whole task.</param>
/// <param name="call">The steps that were to be made at once.</param>
internal sealed class TrainOutcome(PathModel model, AdamW adamW, TrainMetrics metrics, TrainSpec spec, StepRange call) : IDisposable
{
    /// <summary>Whether it stopped only for its state to be kept.</summary>
    public bool IsPaused { get; init; }

    /// <summary>The path.</summary>
    public PathModel Model => model;

    /// <summary>Its optimizer.</summary>
    public AdamW AdamW => adamW;

    /// <summary>Sums of all steps so far.</summary>
    public TrainMetrics Metrics => metrics;

    /// <summary>The steps that were to be made at once.</summary>
    public StepRange Call => call;

    /// <summary>Writes the result, or the state between two steps: the same blobs, and the sums so far.</summary>
    public async Task<TaskPart> StorePartAsync(IBlobStore store, CancellationToken cancellationToken)
    {
        return metrics.Steps == spec.Steps
            ? new TaskPart(await StoreResultAsync(store, cancellationToken), null)
            : new TaskPart(null, await StoreStateAsync(store, cancellationToken));
    }

    /// <summary>Writes the state between two steps.</summary>
    public async Task<InnerState> StoreStateAsync(IBlobSink store, CancellationToken cancellationToken)
    {
        TaskResult stored = await StoreAsync(model.Parameters, adamW, metrics, store, cancellationToken);
        BlobHash sums = await store.PutAsync(Encoding.UTF8.GetBytes(stored.Metrics), cancellationToken);
        return new InnerState(metrics.Steps, spec.Steps, stored.Outputs.Add(TrainStart.MetricsBlob, sums));
    }

    private async Task<TaskResult> StoreResultAsync(IBlobStore store, CancellationToken cancellationToken)
    {
        PathParameters parameters = model.Parameters;
        if (spec.Codec is not { } codec)
        {
            return await StoreAsync(parameters, adamW, metrics with { ContributionBytes = sizeof(float) * parameters.Count }, store, cancellationToken);
        }

        // What was left out before is in the state at the start of the phase, wherever in between this worker took over.
        DeltaEncoder encoder = new(codec, spec.Optimizer is { } state ? await store.GetFileAsync(state, cancellationToken) : null);
        ImmutableSortedDictionary<string, BlobHash>.Builder outputs = ImmutableSortedDictionary.CreateBuilder<string, BlobHash>(StringComparer.Ordinal);
        long bytes = 0;
        foreach ((ParameterSegment segment, ModuleInput start) in parameters.Segments.Zip(spec.Model.Modules))
        {
            if (encoder.Encodes(segment.Module))
            {
                byte[] encoded = encoder.Encode(parameters, segment, await store.GetFileAsync(start.Blob, cancellationToken));
                outputs[segment.Module.Name] = await store.PutAsync(encoded, cancellationToken);
                bytes += encoded.Length;
            }
            else
            {
                outputs[segment.Module.Name] = await store.PutAsync(stream => parameters.Save(segment.Module, stream), cancellationToken);
                bytes += sizeof(float) * segment.Layout.Parameters;
            }
        }

        outputs[TrainSpec.OptimizerOutput] = await store.PutAsync(stream => adamW.Save(stream, encoder.Residuals), cancellationToken);
        return new TaskResult(outputs.ToImmutable(), JsonSerializer.Serialize(metrics with { ContributionBytes = bytes }, TaskJson.Options));
    }

    /// <summary>Writes modules under their names, and AdamW's state, from the buffers that they were trained in.</summary>
    public static async Task<TaskResult> StoreAsync(
        PathParameters parameters, AdamW adamW, TrainMetrics metrics, IBlobSink store, CancellationToken cancellationToken)
    {
        ImmutableSortedDictionary<string, BlobHash>.Builder outputs = ImmutableSortedDictionary.CreateBuilder<string, BlobHash>();
        foreach (ParameterSegment segment in parameters.Segments)
        {
            outputs[segment.Module.Name] = await store.PutAsync(stream => parameters.Save(segment.Module, stream), cancellationToken);
        }

        outputs[TrainSpec.OptimizerOutput] = await store.PutAsync(adamW.Save, cancellationToken);
        return new TaskResult(outputs.ToImmutable(), JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    public void Dispose() => adamW.Dispose();
}
