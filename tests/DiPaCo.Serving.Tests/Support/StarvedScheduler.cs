namespace DiPaCo.Serving.Tests.Support;

/// <summary>An idle thread beside a process that always wants the processor: what it is given never begins.</summary>
internal sealed class StarvedScheduler : TaskScheduler
{
    private int _given;

    /// <summary>Tasks that wait for it.</summary>
    public int Given => Volatile.Read(ref _given);

    protected override void QueueTask(Task task) => Interlocked.Increment(ref _given);

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
