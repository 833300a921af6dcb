using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using DiPaCo.Core;
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
/// <param name="steps">Steps of the whole task.</param>
internal sealed class TrainOutcome(PathModel model, AdamW adamW, TrainMetrics metrics, long steps) : IDisposable
{
    /// <summary>Writes the result, or the state between two steps: the same blobs, and the sums so far.</summary>
    public async Task<TaskPart> StorePartAsync(IBlobStore store, CancellationToken cancellationToken)
    {
        TaskResult stored = await StoreAsync(store, cancellationToken);
        if (metrics.Steps == steps)
        {
            return new TaskPart(stored, null);
        }

        BlobHash sums = await store.PutAsync(Encoding.UTF8.GetBytes(stored.Metrics), cancellationToken);
        return new TaskPart(null, new InnerState(metrics.Steps, steps, stored.Outputs.Add(TrainStart.MetricsBlob, sums)));
    }

    public Task<TaskResult> StoreAsync(IBlobStore store, CancellationToken cancellationToken) =>
        StoreAsync(model.Parameters, adamW, metrics, store, cancellationToken);

    /// <summary>Writes modules under their names, and AdamW's state, from the buffers that they were trained in.</summary>
    public static async Task<TaskResult> StoreAsync(
        PathParameters parameters, AdamW adamW, TrainMetrics metrics, IBlobStore store, CancellationToken cancellationToken)
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
