using System.Collections.Immutable;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>Tasks, their leases, and the indices of both, changed together.</summary>
internal static class TaskTable
{
    /// <summary>A worker in its present incarnation; null: unknown.</summary>
    public static WorkerEntry? Current(this DispatcherState state, WorkerId worker, long incarnation) =>
        state.Workers.TryGetValue(worker, out WorkerEntry? known) && known.Capabilities.Incarnation == incarnation ? known : null;

    /// <summary>A valid lease and its task. This is the fence: everything that acts in the name of a lease comes through here.</summary>
    public static (TaskEntry Entry, Lease Lease)? Find(this DispatcherState state, TaskKey key, LeaseNumber number, WorkerId worker)
    {
        if (state.Tasks.TryGetValue(key, out TaskEntry? entry))
        {
            foreach (Lease lease in entry.Leases)
            {
                if (lease.Number == number && lease.Worker == worker)
                {
                    return (entry, lease);
                }
            }
        }

        return null;
    }

    /// <summary>Adds or replaces a task.</summary>
    public static DispatcherState Put(this DispatcherState state, TaskEntry entry)
    {
        TaskEntry? before = state.Tasks.GetValueOrDefault(entry.Demand.Key);
        return state.Index(before, entry) with { Tasks = state.Tasks.SetItem(entry.Demand.Key, entry) };
    }

    /// <summary>Ends a lease: the task waits again unless somebody else computes it.</summary>
    /// <param name="state">The dispatcher.</param>
    /// <param name="entry">The task.</param>
    /// <param name="lease">Its lease.</param>
    /// <param name="isReturned">Whether the worker itself has let go of it.</param>
    /// <param name="now">Now.</param>
    /// <param name="isLost">Whether the worker has ended without a word: it may come back, with the state that it has kept.</param>
    public static DispatcherState End(this DispatcherState state, TaskEntry entry, Lease lease, bool isReturned, DateTimeOffset now, bool isLost = false)
    {
        ImmutableArray<Lease> left = entry.Leases.Remove(lease);
        return state.Drop(lease, now, isReturned).Put(entry with
        {
            Leases = left,
            Since = left.IsEmpty ? now : entry.Since,
            AwaitedUntil = isLost && entry.Demand.Divisible && lease.DoneFraction > lease.StartFraction ? now + (lease.LastHeard - lease.Started) : default,
            AwaitedFrom = isLost ? lease.Worker : null,
            LastReturned = isReturned && lease.Number > entry.LastReturned ? lease.Number : entry.LastReturned,
        });
    }

    /// <summary>Ends all leases of a worker.</summary>
    /// <param name="state">The dispatcher.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="now">Now.</param>
    /// <param name="isLost">Whether it has ended without a word.</param>
    public static DispatcherState DropLeases(this DispatcherState state, WorkerEntry worker, DateTimeOffset now, bool isLost = false)
    {
        foreach (HeldLease held in worker.Held)
        {
            if (state.Find(held.Key, held.Number, worker.Capabilities.Worker) is (TaskEntry entry, Lease lease))
            {
                state = state.End(entry, lease, isReturned: true, now, isLost);
            }
        }

        return state;
    }

    /// <summary>Takes a lease off its worker.</summary>
    public static DispatcherState Drop(this DispatcherState state, Lease lease, DateTimeOffset now, bool isReturned = false)
    {
        if (!state.Workers.TryGetValue(lease.Worker, out WorkerEntry? worker))
        {
            return state;
        }

        ImmutableArray<HeldLease> left = worker.Held.RemoveAll(held => held.Number == lease.Number);
        bool hasArrived = worker.GrantArrived || (isReturned && worker.LastGrant == lease.Number);
        worker = worker with { Held = left, Since = left.IsEmpty ? now : worker.Since, GrantArrived = hasArrived };
        return state with { Workers = state.Workers.SetItem(lease.Worker, worker) };
    }

    /// <summary>Ends all leases of a task.</summary>
    public static DispatcherState DropAll(this DispatcherState state, TaskEntry entry, DateTimeOffset now)
    {
        foreach (Lease lease in entry.Leases)
        {
            state = state.Drop(lease, now);
        }

        return state;
    }

    /// <summary>Somebody wants a task no more; when it was the last, the task is forgotten.</summary>
    public static DispatcherState Disclaim(this DispatcherState state, TaskEntry entry, TaskClaim claim, DateTimeOffset now)
    {
        ImmutableArray<TaskClaim> left = entry.Claims.Remove(claim);
        return left.Length == entry.Claims.Length ? state
            : !left.IsEmpty ? state.Put(entry with { Claims = left })
            : state.DropAll(entry, now).Index(entry, null) with { Tasks = state.Tasks.Remove(entry.Demand.Key) };
    }

    private static DispatcherState Index(this DispatcherState state, TaskEntry? before, TaskEntry? after)
    {
        QueuedTask? waited = Waiting(before), waits = Waiting(after), ran = Running(before), runs = Running(after);
        RunId run = (after ?? before)!.Demand.Run;
        int moreWaiting = (waits is null ? 0 : 1) - (waited is null ? 0 : 1), moreComputed = Computed(after) - Computed(before);
        if (moreWaiting != 0 || moreComputed != 0)
        {
            state = state with { WaitingOf = Add(state.WaitingOf, run, moreWaiting), ComputedOf = Add(state.ComputedOf, run, moreComputed) };
        }

        TaskKey key = (after ?? before)!.Demand.Key;
        bool wasSettled = before is { IsSettled: true }, isSettled = after is { IsSettled: true };
        return waited == waits && ran == runs && wasSettled == isSettled ? state : state with
        {
            Waiting = Move(state.Waiting, waited, waits),
            WaitingBeside = (after ?? before)!.Demand.Beside ? Move(state.WaitingBeside, waited, waits) : state.WaitingBeside,
            Running = Move(state.Running, ran, runs),
            Settled = wasSettled == isSettled ? state.Settled : isSettled ? state.Settled.Add(key) : state.Settled.Remove(key),
        };
    }

    private static QueuedTask? Waiting(TaskEntry? entry) =>
        entry is { IsSettled: false, Leases.IsEmpty: true } ? new QueuedTask(entry.Priority, entry.Submitted, entry.Demand.Key) : null;

    private static int Computed(TaskEntry? entry) => entry is { IsSettled: false, Leases.IsEmpty: false } ? 1 : 0;

    private static ImmutableSortedDictionary<RunId, int> Add(ImmutableSortedDictionary<RunId, int> counts, RunId run, int more) =>
        more == 0 ? counts
        : counts.GetValueOrDefault(run) + more is > 0 and var count ? counts.SetItem(run, count)
        : counts.Remove(run);

    private static QueuedTask? Running(TaskEntry? entry) =>
        entry is { IsSettled: false, Leases.Length: 1 } ? new QueuedTask(0, entry.Leases[0].Started, entry.Demand.Key) : null;

    private static ImmutableSortedSet<QueuedTask> Move(ImmutableSortedSet<QueuedTask> set, QueuedTask? from, QueuedTask? to)
    {
        if (from == to)
        {
            return set;
        }

        set = from is null ? set : set.Remove(from);
        return to is null ? set : set.Add(to);
    }
}
