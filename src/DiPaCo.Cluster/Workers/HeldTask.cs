using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>A task and its lease, which may be replaced, while a worker has it.</summary>
internal sealed class HeldTask : IDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly CancellationTokenSource _ended;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Begins to hold a task.</summary>
    /// <param name="task">The task.</param>
    /// <param name="time">Measures its steps.</param>
    /// <param name="leaving">The worker is asked to leave.</param>
    /// <param name="grace">The worker has no more time for that.</param>
    public HeldTask(LeasedTask task, TimeProvider time, CancellationToken leaving, CancellationToken grace)
    {
        Task = task;
        Progress = new ProgressBuffer(time);
        Lease = task.Lease;
        Grace = grace;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(leaving);
        _ended = CancellationTokenSource.CreateLinkedTokenSource(grace);
    }

    public LeasedTask Task { get; }

    public TaskKey Key => new(Task.Key);

    public long Lease { get; private set; }

    public ProgressBuffer Progress { get; }

    /// <summary>Part that the dispatcher knows to have been made before.</summary>
    public double StartFraction => Task.From is { } state ? (double)state.DoneSteps / state.Steps : 0;

    /// <summary>The task, for people.</summary>
    public string Name => $"{Task.Kind} {Task.Key[..8]} of {Task.Run}";

    /// <summary>Asked to stop between two steps, and to give the task back with what is made.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>The task is no longer this worker's, or is done.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>There is no more time, not even to deliver.</summary>
    public CancellationToken Grace { get; }

    /// <summary>Ends once everything that the task reads is here, or nothing comes of it.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Why the task is another's now; null: it is not.</summary>
    public string? WhyLost { get; private set; }

    /// <summary>What the dispatcher has said to a heartbeat.</summary>
    public async Task HearAsync(HeartbeatOutcome outcome)
    {
        Lease = outcome.Lease;
        if (outcome.Verdict == HeartbeatVerdict.HandBack)
        {
            await _stop.CancelAsync();
        }
        else if (outcome.Verdict == HeartbeatVerdict.Lost)
        {
            WhyLost = outcome.Reason;
            await _ended.CancelAsync();
        }
    }

    /// <summary>Everything that the task reads is here.</summary>
    public void BeReady() => _ready.TrySetResult();

    /// <summary>Ends the heartbeats.</summary>
    public Task EndAsync()
    {
        BeReady();
        return _ended.CancelAsync();
    }

    public void Dispose()
    {
        _stop.Dispose();
        _ended.Dispose();
    }
}
