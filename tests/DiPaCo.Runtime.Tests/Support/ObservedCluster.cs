using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Support;

/// <summary>Computes tasks one after the other as a local run does, and keeps what every one was asked for and gave.</summary>
internal sealed class ObservedCluster : IRunCluster, IRunExecution, ITaskExecutor
{
    private readonly List<ObservedTask> _tasks = [];
    private ITaskExecutor? _local;

    /// <summary>The tasks in the order in which they were computed.</summary>
    public IReadOnlyList<ObservedTask> Tasks => _tasks;

    public ITaskExecutor Executor => this;

    public bool IsParallel => false;

    /// <summary>The tasks of one kind.</summary>
    public IEnumerable<(T Spec, TaskResult Result)> Of<T>()
        where T : TaskSpec => _tasks.Where(task => task.Spec is T).Select(task => ((T)task.Spec, task.Result));

    public Task<IRunExecution> BeginAsync(RunExecutionContext context, CancellationToken cancellationToken)
    {
        _local = context.Local;
        return Task.FromResult<IRunExecution>(this);
    }

    public async Task<TaskResult> ExecuteAsync(TaskSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        TaskResult result = await _local!.ExecuteAsync(spec, store, progress, cancellationToken);
        Dictionary<BlobHash, float[]> parameters = [];
        if (spec is OuterSpec outer)
        {
            // Now, because a run lets go of contributions and old versions.
            ModuleLayout layout = ModuleLayout.Of(outer.Shape, outer.Module.Parts);
            foreach (BlobHash blob in outer.Inputs.Concat(result.Outputs.Values).Distinct())
            {
                parameters[blob] = new float[layout.Length];
                ModuleFile.Read(await store.GetFileAsync(blob, cancellationToken), layout, parameters[blob]);
            }
        }

        _tasks.Add(new ObservedTask(spec, result, parameters));
        return result;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
