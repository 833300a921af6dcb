using DiPaCo.Core;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Simulations;

/// <summary>A task at a worker.</summary>
/// <param name="task">The task.</param>
/// <param name="grant">Under which lease, from where on, and how much of it.</param>
internal sealed class SimulatedJob(SimulatedTask task, LeaseGrant grant)
{
    public SimulatedTask Task { get; } = task;

    /// <summary>The lease; a heartbeat may bring another one.</summary>
    public LeaseNumber Lease { get; set; } = grant.Number;

    public JobStage Stage { get; set; } = JobStage.Downloading;

    /// <summary>Part of the task that earlier leases have done.</summary>
    public double First { get; } = grant.Continuation?.Fraction() ?? 0;

    /// <summary>Part of the task that is to be done when this worker stops.</summary>
    public double Last { get; } = LastOf(grant, task.Steps);

    /// <summary>Whether another worker does the rest.</summary>
    public bool IsPart => Last < 1;

    /// <summary>When computing began, since the start of the simulation.</summary>
    public TimeSpan Began { get; set; }

    /// <summary>Seconds that computing takes here.</summary>
    public double Seconds { get; set; }

    /// <summary>Part of the task that is done at a time.</summary>
    public double FractionAt(TimeSpan now) => Stage switch
    {
        JobStage.Downloading or JobStage.Ready => First,
        JobStage.Computing when Seconds > 0 => First + ((Last - First) * Math.Clamp((now - Began).TotalSeconds / Seconds, 0, 1)),
        _ => Last,
    };

    /// <summary>Whole steps that are done at a time.</summary>
    public long StepsAt(TimeSpan now) => (long)Math.Floor((FractionAt(now) * Task.Steps) + 1e-9);

    /// <summary>The same in the middle of a task: its blobs have names that tell how far it is.</summary>
    public Continuation ContinuationAt(long steps) => new(
        steps, Task.Steps,
        System.Collections.Immutable.ImmutableSortedDictionary<string, BlobHash>.Empty.Add("state", SimulationNames.BlobOf($"{Task.Demand.Key}/{steps}")),
        SimulationNames.Fingerprint);

    private static double LastOf(LeaseGrant grant, int steps)
    {
        double first = grant.Continuation?.Fraction() ?? 0;
        double last = first + ((1 - first) * grant.Share);
        return grant.Demand.Divisible && grant.Share < 1 ? Math.Max(first + (1.0 / steps), Math.Floor(last * steps) / steps) : 1;
    }
}
