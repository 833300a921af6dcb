using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Training;
using TorchSharp;

namespace DiPaCo.Runtime.Tasks;

/// <summary>All modules before and after synchronous steps, in the buffers that they are written from. Made, used and disposed on the thread that computes.</summary>
internal sealed class SynchronousOutcome : IDisposable
{
    private readonly ModuleGrid _grid;
    private readonly AdamW _optimizer;
    private readonly PathModel _model;

    /// <summary>Loads the modules.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="files">The modules' files, in the spec's order.</param>
    /// <param name="optimizerFile">The optimizer's; null: zeros.</param>
    /// <param name="model">Buffers of a path; not owned.</param>
    /// <param name="device">Where everything is kept.</param>
    public SynchronousOutcome(SynchronousSpec spec, IReadOnlyList<string> files, string? optimizerFile, PathModel model, torch.Device device)
    {
        _model = model;
        _grid = new ModuleGrid(PathModels.Definitions(spec.Shape, spec.Modules), device);
        _optimizer = _grid.Optimizer(model, spec.AdamW);
        for (int i = 0; i < files.Count; i++)
        {
            _grid.Parameters.Load(spec.Modules[i].Id, files[i]);
        }

        if (optimizerFile is not null)
        {
            _optimizer.Load(optimizerFile);
        }
    }

    /// <summary>What the steps reported.</summary>
    public TrainMetrics Metrics { get; private set; } = TrainMetrics.None;

    /// <summary>Makes the steps.</summary>
    public void Train(SynchronousTask task, IProgress<TaskStep>? progress, CancellationToken cancellationToken) =>
        Metrics = task.Execute(_grid, _model, _optimizer, progress, cancellationToken);

    /// <summary>Writes modules and moments.</summary>
    public Task<TaskResult> StoreAsync(IBlobStore store, CancellationToken cancellationToken) =>
        TrainOutcome.StoreAsync(_grid.Parameters, _optimizer, Metrics, store, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _optimizer.Dispose();
        _grid.Dispose();
    }
}
