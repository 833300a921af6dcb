using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>A path after its inner steps, copied out of the buffers of the model.</summary>
/// <param name="Modules">Parameters of each module.</param>
/// <param name="Optimizer">AdamW's state.</param>
/// <param name="Metrics">Losses and the like.</param>
internal sealed record TrainOutcome(
    IReadOnlyList<(ModuleId Id, ModuleLayout Layout, float[] Parameters)> Modules, OptimizerFile Optimizer, TrainMetrics Metrics)
{
    public static TrainOutcome Of(PathModel model, AdamW adamW, TrainMetrics metrics)
    {
        List<(ModuleId, ModuleLayout, float[])> modules = [];
        List<ModuleMoments> moments = [];
        foreach (ParameterSegment segment in model.Parameters.Segments)
        {
            float[] parameters = new float[segment.Length];
            model.Parameters.Read(segment.Module, parameters);
            modules.Add((segment.Module, segment.Layout, parameters));
            ModuleMoments state = new(segment.Module, new float[segment.Length], new float[segment.Length]);
            adamW.ReadMoments(segment.Module, state.Moment1, state.Moment2);
            moments.Add(state);
        }

        return new TrainOutcome(modules, new OptimizerFile(adamW.Steps, moments), metrics);
    }

    public async Task<TaskResult> StoreAsync(IBlobStore store, CancellationToken cancellationToken)
    {
        ImmutableSortedDictionary<string, BlobHash>.Builder outputs = ImmutableSortedDictionary.CreateBuilder<string, BlobHash>();
        foreach ((ModuleId id, ModuleLayout layout, float[] parameters) in Modules)
        {
            outputs[id.Name] = await store.PutAsync(stream => ModuleFile.Write(stream, layout, parameters), cancellationToken);
        }

        outputs[TrainSpec.OptimizerOutput] = await store.PutAsync(Optimizer.Write, cancellationToken);
        return new TaskResult(outputs.ToImmutable(), JsonSerializer.Serialize(Metrics, TaskJson.Options));
    }
}
