using System.Globalization;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Where a training task begins: at its inputs, or at the state that another worker has left it in.</summary>
/// <param name="Modules">Files of the path's modules, in the order of the stack.</param>
/// <param name="Optimizer">AdamW's moments; null: zeros.</param>
/// <param name="Made">Sums over the steps that were made before. Adding goes on from them, in the same order, so that no digit differs.</param>
internal sealed record TrainStart(IReadOnlyList<string> Modules, string? Optimizer, TrainMetrics Made)
{
    /// <summary>Name of the state's blob with the sums.</summary>
    public const string MetricsBlob = "metrics";

    private const int MostMetricsBytes = 4096;

    /// <summary>Fetches the files.</summary>
    /// <exception cref="DiPaCoException">A blob is missing or damaged, or the state is not one of this task.</exception>
    public static async Task<TrainStart> OpenAsync(TrainSpec spec, InnerState? from, IBlobStore store, CancellationToken cancellationToken)
    {
        if (from is null)
        {
            return new TrainStart(
                await PathModels.FilesAsync(spec.Model, store, cancellationToken),
                spec.Optimizer is { } moments ? await store.GetFileAsync(moments, cancellationToken) : null,
                TrainMetrics.None);
        }

        byte[] json = await store.ReadAllBytesAsync(BlobOf(from, MetricsBlob), MostMetricsBytes, cancellationToken);
        TrainMetrics made = Read(json);
        if (from.Steps != spec.Steps || from.DoneSteps < 1 || from.DoneSteps >= spec.Steps || made.Steps != from.DoneSteps)
        {
            throw Unusable(string.Create(CultureInfo.InvariantCulture, $"it is after {from.DoneSteps} ({made.Steps}) of {from.Steps} steps, the task has {spec.Steps}"));
        }

        return new TrainStart(
            await PathModels.FilesAsync(spec.Model.Modules.Select(module => BlobOf(from, module.Id.Name)), store, cancellationToken),
            await store.GetFileAsync(BlobOf(from, TrainSpec.OptimizerOutput), cancellationToken),
            made);
    }

    private static TrainMetrics Read(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize<TrainMetrics>(json, TaskJson.Options) ?? throw Unusable("its sums are null");
        }
        catch (JsonException exception)
        {
            throw Unusable(exception.Message);
        }
    }

    private static BlobHash BlobOf(InnerState state, string name) =>
        state.Blobs.TryGetValue(name, out BlobHash blob) ? blob : throw Unusable($"it has no '{name}'");

    private static DiPaCoException Unusable(string why) => new($"The state that a training task was to go on from cannot be used: {why}.");
}
