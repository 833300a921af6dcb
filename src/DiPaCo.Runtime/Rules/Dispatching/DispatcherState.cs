using System.Collections.Immutable;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>
/// All that the dispatcher knows. It may be persisted before each answer, or not at all: owners submit a task until they have its
/// result, and workers register again when they are unknown, so a dispatcher that begins from nothing loses no task. Only the
/// numbers of leases must go on growing: see <see cref="StartingAfter"/>.
/// </summary>
public sealed record DispatcherState
{
    /// <summary>Nothing known, no lease ever given.</summary>
    public static DispatcherState Empty { get; } = new();

    /// <summary>Number of the newest lease.</summary>
    public LeaseNumber LastLease { get; init; }

    /// <summary>All tasks that somebody wants.</summary>
    public ImmutableSortedDictionary<TaskKey, TaskEntry> Tasks { get; init; } = ImmutableSortedDictionary<TaskKey, TaskEntry>.Empty;

    /// <summary>All workers.</summary>
    public ImmutableSortedDictionary<WorkerId, WorkerEntry> Workers { get; init; } = ImmutableSortedDictionary<WorkerId, WorkerEntry>.Empty;

    /// <summary>Workers that outer steps are left to (<see cref="WorkerCapabilities.IsForOuterSteps"/>). An index of <see cref="Workers"/>.</summary>
    public ImmutableSortedSet<WorkerId> OuterWorkers { get; init; } = [];

    /// <summary>Tasks without a lease, next first. An index of <see cref="Tasks"/>.</summary>
    public ImmutableSortedSet<QueuedTask> Waiting { get; init; } = [];

    /// <summary>Those of them that are computed beside others (<see cref="TaskDemand.Beside"/>). An index of <see cref="Tasks"/>.</summary>
    public ImmutableSortedSet<QueuedTask> WaitingBeside { get; init; } = [];

    /// <summary>How many of <see cref="Waiting"/> are first of all each run's. An index of <see cref="Tasks"/>.</summary>
    public ImmutableSortedDictionary<RunId, int> WaitingOf { get; init; } = ImmutableSortedDictionary<RunId, int>.Empty;

    /// <summary>How many tasks of each run are being computed. An index of <see cref="Tasks"/>.</summary>
    public ImmutableSortedDictionary<RunId, int> ComputedOf { get; init; } = ImmutableSortedDictionary<RunId, int>.Empty;

    /// <summary>Tasks with one lease, which may get a second one; longest running first (their priority is 0 here). An index of <see cref="Tasks"/>.</summary>
    public ImmutableSortedSet<QueuedTask> Running { get; init; } = [];

    /// <summary>Tasks whose owners have not acknowledged the end. An index of <see cref="Tasks"/>.</summary>
    public ImmutableSortedSet<TaskKey> Settled { get; init; } = [];

    /// <summary>Measured rates by kind of task.</summary>
    public ImmutableSortedDictionary<string, KindRates> Kinds { get; init; } = ImmutableSortedDictionary<string, KindRates>.Empty;

    /// <summary>What runs want; a run that has said nothing wants its tasks.</summary>
    public ImmutableSortedDictionary<RunId, RunStanding> Runs { get; init; } = ImmutableSortedDictionary<RunId, RunStanding>.Empty;

    /// <summary>A dispatcher that remembers nothing.</summary>
    /// <param name="last">A number as large as that of any lease that was ever given, for example the count of starts times 2⁴⁰.</param>
    public static DispatcherState StartingAfter(LeaseNumber last) => new() { LastLease = last };
}
