namespace DiPaCo.Runtime.Rules;

/// <summary>Bounds of the dispatcher. None is the duration of a task: those are measured.</summary>
public sealed record DispatcherOptions
{
    /// <summary>Shortest lease, whatever was measured; at least 1 second. Default 10 seconds.</summary>
    public TimeSpan MinimumLease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest lease, whatever was measured. Default 2 minutes.</summary>
    public TimeSpan MaximumLease { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Heartbeats that a lease survives the loss of, and one more. Default 4.</summary>
    public int HeartbeatsPerLease { get; init; } = 4;

    /// <summary>Weight of the newest measurement in the exponential averages, 0 to 1. Default 0.3.</summary>
    public double Smoothing { get; init; } = 0.3;

    /// <summary>A task that takes this many times what the median worker needs is a straggler, and its worker slow. Default 2.</summary>
    public double StragglerFactor { get; init; } = 2;

    /// <summary>How long an outer step is left to workers that are there for it, beyond four times what such a step takes. Default 20 seconds.</summary>
    public TimeSpan OuterPatience { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Smallest part of a task that is worth a lease of its own on a slow worker, 0 to 1. Default 0.2.</summary>
    public double SmallestShare { get; init; } = 0.2;

    /// <summary>Failed attempts after which a task is given up. Default 8.</summary>
    public int MaximumFailures { get; init; } = 8;

    /// <summary>How long a worker's own trouble, such as a full disk, may last before such attempts count for that. Default 1 hour.</summary>
    public TimeSpan PassingTrouble { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Pause after the first failed attempt; doubles with each. Default 1 second.</summary>
    public TimeSpan FirstBackOff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest pause after a failed attempt. Default 1 minute.</summary>
    public TimeSpan LongestBackOff { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Refused results after which a worker gets no more tasks. Default 3.</summary>
    public int RefusalsUntilQuarantine { get; init; } = 3;

    /// <summary>Blobs that are remembered of a worker's cache. Default 256.</summary>
    public int CachedInputs { get; init; } = 256;

    /// <summary>Kept states that are remembered of a worker. Default 32.</summary>
    public int KeptStates { get; init; } = 32;

    /// <summary>Oldest tasks among which the one with the most inputs on the worker is chosen. Default 32.</summary>
    public int AffinityWindow { get; init; } = 32;

    /// <summary>Other workers that are looked at before a task is given to the one that asks. More would cost more than a better choice brings. Default 512.</summary>
    public int LookAround { get; init; } = 512;

    /// <summary>Silent workers are forgotten after this time. Default 1 day.</summary>
    public TimeSpan ForgetWorkers { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How often a worker is to send a heartbeat: always the same, so that the measured time between them cannot feed back into itself.</summary>
    public TimeSpan HeartbeatEvery => MinimumLease / HeartbeatsPerLease;
}
