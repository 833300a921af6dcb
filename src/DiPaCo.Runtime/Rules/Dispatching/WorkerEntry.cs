using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>What the dispatcher knows of a worker.</summary>
/// <param name="Capabilities">What it offered.</param>
/// <param name="LastHeard">When it was last heard of.</param>
public sealed record WorkerEntry(WorkerCapabilities Capabilities, DateTimeOffset LastHeard)
{
    /// <summary>Since when it does what it does: computes, idles, is quarantined.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>Its leases, oldest first.</summary>
    public ImmutableArray<HeldLease> Held { get; init; } = [];

    /// <summary>None of them ends before this moment: it is that of the first, and later where heartbeats have extended it since.</summary>
    public DateTimeOffset NextDeadline { get; init; }

    /// <summary>Blobs that it said to have, up to a bound.</summary>
    public ImmutableHashSet<BlobHash> Cached { get; init; } = [];

    /// <summary>Tasks of which it said to have kept a state, up to a bound.</summary>
    public ImmutableArray<TaskKey> Kept { get; init; } = [];

    /// <summary>Measured time between its heartbeats in seconds, exponential average; 0: not measured yet.</summary>
    public double HeartbeatGap { get; init; }

    /// <summary>Mean deviation from it in seconds, exponential average.</summary>
    public double HeartbeatDeviation { get; init; }

    /// <summary>Measured rate in FLOP/s by kind of task, exponential averages.</summary>
    public ImmutableSortedDictionary<string, double> Rates { get; init; } = ImmutableSortedDictionary<string, double>.Empty;

    /// <summary>Number of its last request for a task.</summary>
    public long LastRequest { get; init; }

    /// <summary>The lease that this request brought; <see cref="LeaseNumber.None"/>: none so far.</summary>
    public LeaseNumber LastGrant { get; init; }

    /// <summary>Whether the worker has spoken of that lease since.</summary>
    public bool GrantArrived { get; init; }

    /// <summary>Its results that were refused at the door.</summary>
    public ImmutableArray<TaskFailure> Refusals { get; init; } = [];

    /// <summary>Why it gets no more tasks; null: it does.</summary>
    public string? Quarantine { get; init; }

    /// <summary>Tasks that it completed first.</summary>
    public long Completed { get; init; }

    /// <summary>Tasks that failed on it.</summary>
    public long Failed { get; init; }

    /// <summary>Leases of it that expired.</summary>
    public long Expired { get; init; }

    /// <summary>When the last of these did.</summary>
    public DateTimeOffset LastExpired { get; init; }

    /// <summary>Results of it that contradicted earlier ones.</summary>
    public long Contradictions { get; init; }
}
