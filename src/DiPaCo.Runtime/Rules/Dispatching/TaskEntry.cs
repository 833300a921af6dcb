using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace DiPaCo.Runtime.Rules;

/// <summary>What the dispatcher knows of a task: waiting while it has no lease, leased while it has one or two, settled once it has an outcome or is given up.</summary>
/// <param name="Demand">The task, as it was first submitted.</param>
/// <param name="Submitted">When that was: the older task goes first.</param>
public sealed record TaskEntry(TaskDemand Demand, DateTimeOffset Submitted)
{
    /// <summary>Who wants it.</summary>
    public ImmutableArray<TaskClaim> Claims { get; init; } = [];

    /// <summary>Largest priority of those who want it.</summary>
    public int Priority { get; init; }

    /// <summary>Since when it is in its present state.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>Who computes it now.</summary>
    public ImmutableArray<Lease> Leases { get; init; } = [];

    /// <summary>Newest lease that its worker has given back or failed: a late heartbeat of it is none.</summary>
    public LeaseNumber LastReturned { get; init; }

    /// <summary>How often it was leased.</summary>
    public int Attempts { get; init; }

    /// <summary>Attempts that failed or were refused. Lost workers are not among them: they say nothing about the task.</summary>
    public ImmutableArray<TaskFailure> Failures { get; init; } = [];

    /// <summary>Not leased before this moment.</summary>
    public DateTimeOffset NotBefore { get; init; }

    /// <summary>Until then its last worker, which was lost, may come back with a state that saves time: as long as it had computed, where it has told of steps. Nobody fetches it ahead.</summary>
    public DateTimeOffset AwaitedUntil { get; init; }

    /// <summary>That worker. Coming back, it says what it has kept; of a task of which it has nothing it is one like the others.</summary>
    public WorkerId? AwaitedFrom { get; init; }

    /// <summary>Steps that are done already; null: none.</summary>
    public Continuation? Continuation { get; init; }

    /// <summary>The result; null: none yet.</summary>
    public TaskOutcome? Outcome { get; init; }

    /// <summary>Why there will be no result; null: there may be one.</summary>
    public string? GaveUp { get; init; }

    /// <summary>Whether its owners can be told something.</summary>
    [JsonIgnore]
    public bool IsSettled => Outcome is not null || GaveUp is not null;

    /// <summary>The lease that settled it: owners acknowledge this, so that a late acknowledgement means no later settlement.</summary>
    [JsonIgnore]
    public LeaseNumber SettledBy => Outcome is { } outcome ? outcome.Lease : Failures.IsEmpty ? LeaseNumber.None : Failures[^1].Lease;

    /// <summary>The lease of a worker; null: it has none.</summary>
    public Lease? LeaseOf(WorkerId worker)
    {
        foreach (Lease lease in Leases)
        {
            if (lease.Worker == worker)
            {
                return lease;
            }
        }

        return null;
    }
}
