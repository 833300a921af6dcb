using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes tasks that can be handed from one worker to another between two of their steps; tasks of other kinds whole.</summary>
public interface IDivisibleExecutor : ITaskExecutor
{
    /// <summary>Computes a task, or a part of it.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="from">Where to go on; null: at the beginning. A state that cannot be used is left aside, and the task begins anew.</param>
    /// <param name="limit">How far to go.</param>
    /// <param name="store">Holds its inputs; receives its outputs, or its state.</param>
    /// <param name="progress">Is told of each step; null: nobody listens.</param>
    /// <param name="cancellationToken">Ends the task at once, and the storing of what it made.</param>
    Task<TaskPart> ExecuteAsync(
        TaskSpec spec, InnerState? from, StepLimit limit, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken);
}
