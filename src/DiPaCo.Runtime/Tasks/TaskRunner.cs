using System.Collections.Concurrent;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Runs tasks, and remembers them in the journal: a task that is recorded there is never computed again.
/// This is all that resuming a run needs, because a run is a fixed program of tasks.
/// </summary>
/// <param name="store">Holds inputs and outputs.</param>
/// <param name="journal">Remembers.</param>
/// <param name="executor">Computes what is not remembered.</param>
/// <param name="others">What others have computed; null: nothing.</param>
public sealed class TaskRunner(IBlobStore store, ITaskJournal journal, ITaskExecutor executor, ITaskMemory? others = null)
{
    // Once is rare already: a blob that nobody had recorded was collected between the end of its task and its record.
    private const int MostAttempts = 3;

    private readonly ConcurrentDictionary<string, bool> _asked = [];

    /// <summary>Whether tasks that are asked for at the same time are computed at the same time.</summary>
    public bool IsParallel => executor.IsParallel;

    /// <summary>Whether the run has come to a task since it was begun or continued.</summary>
    public bool IsAsked(string key) => _asked.ContainsKey(key);

    /// <summary>The outputs of a task, from memory or computed now.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="progress">Is told of steps while the task is computed; not of remembered ones.</param>
    /// <param name="cancellationToken">Ends the task without a trace.</param>
    public Task<TaskResult> RunAsync(TaskSpec spec, IProgress<TaskStep>? progress, CancellationToken cancellationToken) =>
        RecallAsync(spec, () => executor.ExecuteAsync(spec, store, progress, cancellationToken), cancellationToken);

    /// <summary>The outputs of a task that only this process can compute, because it reads the user's files.</summary>
    public async Task<TaskResult> RecallAsync(TaskSpec spec, Func<Task<TaskResult>> compute, CancellationToken cancellationToken)
    {
        TaskKey key = spec.Key();
        _asked[key.Hex] = true;
        if (Find(key) is { } remembered)
        {
            return remembered;
        }

        for (int attempt = 1; ; attempt++)
        {
            TaskResult result = (others is null ? null : await others.FindAsync(spec, store, cancellationToken)) ?? await compute();
            JournalEntry entry = new(key.Hex, spec.Kind, [.. spec.Inputs.Distinct()], result.Outputs, result.Metrics);
            bool isLost = false;
            try
            {
                await journal.AppendAsync(entry, cancellationToken);
            }
            catch (MissingBlobException) when (attempt < MostAttempts)
            {
                isLost = true;
            }

            await executor.RecordedAsync(key);
            if (!isLost)
            {
                return result;
            }
        }
    }

    /// <summary>The finished task of a kind of which a run has one; null when it is not finished.</summary>
    public (TaskKey Key, TaskResult Result)? FindOnly(string kind) => journal.Entries.FirstOrDefault(entry => entry.Kind == kind) is { } entry
        ? (new TaskKey(entry.Key), new TaskResult(entry.Outputs, entry.Metrics))
        : null;

    /// <summary>The outputs of a finished task; null when it is not finished.</summary>
    public TaskResult? Find(TaskKey key) => journal.TryGet(key.Hex, out JournalEntry? entry)
        ? new TaskResult(entry.Outputs, entry.Metrics)
        : null;
}
