using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Support;

/// <summary>A cluster that takes all tasks that it is asked for, but keeps some of them back until a certain other one is asked for.</summary>
/// <param name="isHeld">Whether a task is kept back.</param>
/// <param name="releases">Whether a task lets those go.</param>
internal sealed class UnevenCluster(Func<TaskSpec, bool> isHeld, Func<TaskSpec, bool> releases) : IRunCluster, IRunExecution, ITaskExecutor
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _one = new(1);
    private ITaskExecutor? _local;
    private int _held;

    /// <summary>How many tasks were kept back.</summary>
    public int Held => _held;

    public ITaskExecutor Executor => this;

    public bool IsParallel => true;

    public Task<IRunExecution> BeginAsync(RunExecutionContext context, CancellationToken cancellationToken)
    {
        _local = context.Local;
        return Task.FromResult<IRunExecution>(this);
    }

    public async Task<TaskResult> ExecuteAsync(TaskSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        // Whoever asks must be free to ask for more.
        await Task.Yield();
        if (releases(spec))
        {
            _released.TrySetResult();
        }
        else if (isHeld(spec))
        {
            Interlocked.Increment(ref _held);
            await _released.Task.WaitAsync(Patience, cancellationToken);
        }

        await _one.WaitAsync(cancellationToken);
        try
        {
            return await _local!.ExecuteAsync(spec, store, progress, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
