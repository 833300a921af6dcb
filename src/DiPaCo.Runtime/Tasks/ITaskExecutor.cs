using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes tasks. Knows nothing of runs, phases or what is done with the results.</summary>
public interface ITaskExecutor
{
    /// <summary>Whether tasks that are asked for at the same time are computed at the same time.</summary>
    bool IsParallel => false;

    /// <summary>Computes a task from blobs to blobs.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="store">Holds its inputs; receives its outputs.</param>
    /// <param name="progress">Is told of each step; null: nobody listens.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    Task<TaskResult> ExecuteAsync(TaskSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken);

    /// <summary>Told that a task's result is recorded for good and need not be kept for whoever asked.</summary>
    /// <param name="key">The task.</param>
    Task RecordedAsync(TaskKey key) => Task.CompletedTask;
}
