using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// Runs tasks one after the other on a thread that has a core only while nobody else wants it: for work that must not delay anything and that nobody
/// waits for. Where the operating system knows no such threads, on one of the lowest priority.
/// </summary>
public sealed partial class IdleScheduler : TaskScheduler, IDisposable
{
    private const int IdlePolicy = 5;

    private readonly BlockingCollection<Task> _tasks = [];
    private readonly Thread _thread;
    private bool _isDisposed;

    /// <summary>Starts the thread.</summary>
    public IdleScheduler()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "idle", Priority = ThreadPriority.Lowest };
        _thread.Start();
    }

    /// <inheritdoc/>
    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Whether the calling thread has a core only while nobody else wants it. Linux only.</summary>
    public static bool IsIdle() => OperatingSystem.IsLinux() && GetPolicy(0) == IdlePolicy;

    /// <summary>Ends the thread once it has done what it was given.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _tasks.CompleteAdding();
        _thread.Join();
        _tasks.Dispose();
    }

    /// <inheritdoc/>
    protected override void QueueTask(Task task) => _tasks.Add(task);

    /// <inheritdoc/>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    /// <inheritdoc/>
    protected override IEnumerable<Task> GetScheduledTasks() => [.. _tasks];

    private void Run()
    {
        if (OperatingSystem.IsLinux())
        {
            // Nothing depends on it but how soon others get the core: where it is refused, the thread is one like any other.
            int priority = 0;
            _ = SetPolicy(0, IdlePolicy, in priority);
        }

        foreach (Task task in _tasks.GetConsumingEnumerable())
        {
            TryExecuteTask(task);
        }
    }

    [LibraryImport("libc", EntryPoint = "sched_setscheduler")]
    private static partial int SetPolicy(int thread, int policy, in int priority);

    [LibraryImport("libc", EntryPoint = "sched_getscheduler")]
    private static partial int GetPolicy(int thread);
}
