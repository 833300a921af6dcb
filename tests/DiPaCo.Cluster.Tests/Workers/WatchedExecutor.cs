using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster.Tests.Workers;

/// <summary>A real worker's executor that tells of each training step, so that a test can act at a certain one.</summary>
internal sealed class WatchedExecutor(IDivisibleExecutor executor, Action<TaskStep> stepped) : IDivisibleExecutor
{
    public Task<TaskResult> ExecuteAsync(TaskSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken) =>
        executor.ExecuteAsync(spec, store, new Watch(progress, stepped), cancellationToken);

    public Task<TaskPart> ExecuteAsync(
        TaskSpec spec, InnerState? from, StepLimit limit, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken) =>
        executor.ExecuteAsync(spec, from, limit, store, new Watch(progress, stepped), cancellationToken);

    private sealed class Watch(IProgress<TaskStep>? progress, Action<TaskStep> stepped) : IProgress<TaskStep>
    {
        public void Report(TaskStep value)
        {
            progress?.Report(value);
            stepped(value);
        }
    }
}
