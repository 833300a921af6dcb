using System.Collections.Immutable;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>Which task a worker gets, and why it gets none.</summary>
internal sealed class Matching(DispatcherOptions options)
{
    private readonly Expectations _expectations = new(options);

    /// <summary>The best task for a worker: the most urgent, among those one of which it has kept a state, then the one with the most bytes of inputs there, then the oldest, then by key.</summary>
    public (TaskEntry? Entry, WaitReason? Wait) Choose(DispatcherState state, WorkerEntry worker, DateTimeOffset now)
    {
        if (worker.Quarantine is { } quarantine)
        {
            return (null, new WaitReason(WaitCause.Quarantined, $"This worker is quarantined: {quarantine}", worker.Since));
        }

        if (worker.Held.Length >= worker.Capabilities.Slots)
        {
            return (null, new WaitReason(WaitCause.SlotsFull, $"This worker holds {worker.Held.Length} leases, as many as it has slots.", worker.Since));
        }

        (TaskEntry? best, WaitReason? obstacle) = ChooseWaiting(state, worker, now);
        if (best is not null && !worker.Held.IsEmpty && !best.Demand.Beside && !worker.Kept.Contains(best.Demand.Key) && OthersAreSooner(state, worker, best, now))
        {
            return (null, new WaitReason(WaitCause.OthersAreSooner, $"Task {best.Demand.Key} is left to workers that are free, or will be before this one.", best.Since));
        }

        if (best is not null && worker.Held.IsEmpty && !worker.Kept.Contains(best.Demand.Key) && AnotherHasMoreOfIt(state, worker, best, now))
        {
            return (null, new WaitReason(WaitCause.InputsElsewhere, $"Task {best.Demand.Key} is left to a worker that is free and has more of its inputs.", best.Since));
        }

        best ??= obstacle?.Cause == WaitCause.MemoryBeside ? null : ChooseStraggler(state, worker, now);
        return best is not null ? (best, null) : (null, obstacle ?? Idle(state, worker));
    }

    /// <summary>Whether nobody who wants a task wants it computed now.</summary>
    public static bool IsPaused(DispatcherState state, TaskEntry entry)
    {
        if (state.Runs.IsEmpty)
        {
            return false;
        }

        foreach (TaskClaim claim in entry.Claims)
        {
            if (!state.Runs.TryGetValue(claim.Run, out RunStanding? standing) || standing.Demand == RunDemand.Wanted)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a worker whose lease has ended may go on with the task: nobody else has it, and it would get it if it asked.</summary>
    public static bool MayTakeBack(DispatcherState state, WorkerEntry worker, TaskEntry entry) =>
        !entry.IsSettled && entry.Leases.IsEmpty && worker.Quarantine is null && worker.Held.Length < worker.Capabilities.Slots
        && !entry.Failures.Any(failure => failure.Worker == worker.Capabilities.Worker) && Misfit(state, worker, entry) is null;

    /// <summary>Part of what is left of a task that a worker should do before it hands back: so much that the median worker would take as long for all of it.</summary>
    public double ShareOf(DispatcherState state, WorkerEntry worker, TaskEntry entry) =>
        entry.Demand.Divisible && _expectations.IsSlow(state, worker, entry.Demand.Kind)
            ? Math.Clamp(worker.Rates[entry.Demand.Kind] / Expectations.MedianOf(state, entry.Demand.Kind)!.Value, options.SmallestShare, 1)
            : 1;

    /// <summary>What keeps a task that waits from all workers, or from every one that is there.</summary>
    public static WaitReason WaitOf(DispatcherState state, TaskEntry entry, FittingWorkers fitting, DateTimeOffset now)
    {
        if (IsPaused(state, entry))
        {
            return new WaitReason(WaitCause.RunPaused, "The run is paused.", state.Runs[entry.Claims[0].Run].Since);
        }

        if (entry.NotBefore > now)
        {
            return new WaitReason(WaitCause.BackOff, $"A pause until {entry.NotBefore:u} after {entry.Failures.Length} failed attempts.", entry.Since);
        }

        (int live, int fit) = fitting.Of(entry);
        string needs = $"{entry.Demand.MemoryBytes:N0} bytes of memory" + (entry.Demand.Fingerprint is { } print ? $" and the numerics fingerprint {print}" : "");
        string places = string.Join(", ", state.OuterWorkers.Take(3));
        return live == 0 ? new WaitReason(WaitCause.NoWorker, state.OuterWorkers.IsEmpty ? "A worker: none is there." : $"A worker: none is there but for outer steps ({places}).", entry.Since)
            : fit == 0 ? new WaitReason(WaitCause.NoWorker, $"A worker with {needs}: none of the {live} has that.", entry.Since)
            : entry.Demand.Beside && places.Length > 0 ? new WaitReason(WaitCause.WorkersBusy, $"A worker for outer steps ({places}); after a while any of {fit} that fit.", entry.Since)
            : new WaitReason(WaitCause.WorkersBusy, $"One of {fit} workers that fit.", entry.Since);
    }

    /// <summary>Whether a worker can be counted on: heard of within a lease, and not quarantined.</summary>
    public bool IsLive(WorkerEntry worker, DateTimeOffset now) =>
        worker.Quarantine is null && now - worker.LastHeard <= _expectations.DurationOf(worker);

    private (TaskEntry? Best, WaitReason? Obstacle) ChooseWaiting(DispatcherState state, WorkerEntry worker, DateTimeOffset now)
    {
        (TaskEntry? best, WaitReason? obstacle) = state.WaitingOf.Count > 1 ? ChooseAmongRuns(state, worker, now) : ChooseByInputs(state, worker, now);
        return obstacle?.Cause == WaitCause.MemoryBeside ? (best, obstacle)
            : KeptOf(state, worker, best?.Priority ?? int.MinValue, now) is { } kept ? (kept, null) : (best, obstacle);
    }

    /// <summary>
    /// A task of which the worker has kept a state, unless others are more urgent: it waits, or another worker holds it and has not begun. Anybody else
    /// would begin it anew.
    /// </summary>
    private TaskEntry? KeptOf(DispatcherState state, WorkerEntry worker, int priority, DateTimeOffset now)
    {
        foreach (TaskKey key in worker.Kept)
        {
            if (state.Tasks.TryGetValue(key, out TaskEntry? entry) && !entry.IsSettled && IsNotBegun(entry, worker) && entry.Priority >= priority
                && Obstacle(state, worker, entry, now) is null)
            {
                return entry;
            }
        }

        return null;
    }

    private static ImmutableSortedSet<QueuedTask> QueueOf(DispatcherState state, WorkerEntry worker) =>
        worker.Capabilities.OuterOnly ? state.WaitingBeside : state.Waiting;

    private static bool IsNotBegun(TaskEntry entry, WorkerEntry worker) =>
        entry.Leases.IsEmpty || (entry.Leases is [var lease] && lease.Worker != worker.Capabilities.Worker && lease.DoneFraction <= lease.StartFraction);

    private (TaskEntry? Best, WaitReason? Obstacle) ChooseByInputs(DispatcherState state, WorkerEntry worker, DateTimeOffset now)
    {
        TaskEntry? best = null;
        WaitReason? obstacle = null;
        long bestBytes = long.MinValue;
        int seen = 0;
        foreach (QueuedTask queued in QueueOf(state, worker))
        {
            if (best is not null && (queued.Priority < best.Priority || seen == options.AffinityWindow))
            {
                break;
            }

            TaskEntry entry = state.Tasks[queued.Key];
            if (Obstacle(state, worker, entry, now) is { } reason)
            {
                if (reason.Cause == WaitCause.MemoryBeside)
                {
                    // The worker takes nothing less urgent before it.
                    obstacle = reason;
                    break;
                }

                obstacle ??= reason;
                continue;
            }

            seen++;
            long bytes = Saved(worker, entry, now);
            if (bytes > bestBytes)
            {
                (best, bestBytes) = (entry, bytes);
            }
        }

        return (best, obstacle);
    }

    /// <summary>Of the most urgent tasks those of the run that has fewest under way: runs share the workers, however many tasks each of them orders at once.</summary>
    private (TaskEntry? Best, WaitReason? Obstacle) ChooseAmongRuns(DispatcherState state, WorkerEntry worker, DateTimeOffset now)
    {
        SortedDictionary<RunId, (TaskEntry Entry, long Bytes, int Seen)> best = [];
        WaitReason? obstacle = null;
        int priority = int.MinValue;
        foreach (QueuedTask queued in QueueOf(state, worker))
        {
            if (queued.Priority < priority)
            {
                break;
            }

            TaskEntry entry = state.Tasks[queued.Key];
            bool isSecond = best.TryGetValue(entry.Demand.Run, out (TaskEntry Entry, long Bytes, int Seen) first);
            if (isSecond && first.Seen == options.AffinityWindow)
            {
                continue;
            }

            if (Obstacle(state, worker, entry, now) is { } reason)
            {
                if (reason.Cause == WaitCause.MemoryBeside)
                {
                    // The worker takes nothing less urgent before it.
                    obstacle = reason;
                    break;
                }

                obstacle ??= reason;
                continue;
            }

            priority = queued.Priority;
            long bytes = Saved(worker, entry, now);
            best[entry.Demand.Run] = isSecond && first.Bytes >= bytes ? first with { Seen = first.Seen + 1 } : (entry, bytes, isSecond ? first.Seen + 1 : 1);
        }

        (RunId Run, TaskEntry Entry)? chosen = null;
        foreach ((RunId run, (TaskEntry entry, long _, int _)) in best)
        {
            if (chosen is not (RunId other, TaskEntry its) || IsBefore(run, entry, other, its))
            {
                chosen = (run, entry);
            }
        }

        return (chosen?.Entry, obstacle);

        bool IsBefore(RunId run, TaskEntry entry, RunId other, TaskEntry its)
        {
            int difference = state.ComputedOf.GetValueOrDefault(run) - state.ComputedOf.GetValueOrDefault(other);
            return difference < 0 || (difference == 0 && entry.Submitted < its.Submitted);
        }
    }

    /// <summary>
    /// Whether there are as many other workers as tasks that wait, which would be done with this one sooner: idle, or expected to be free before.
    /// A task that a busy worker would only fetch ahead begins earlier with them. Who is overdue or silent is not counted on, so nobody waits for ever.
    /// </summary>
    private bool OthersAreSooner(DispatcherState state, WorkerEntry worker, TaskEntry entry, DateTimeOffset now)
    {
        int wanted = Rivals(state, entry);
        if (wanted > Math.Min(state.Workers.Count, options.LookAround))
        {
            return false;
        }

        DateTimeOffset? end = Expectations.EndOf(state, worker, entry, now);
        foreach (WorkerEntry other in state.Workers.Values.Take(options.LookAround))
        {
            bool isSooner = other.Held.IsEmpty
                || (other.Held.Length < other.Capabilities.Slots && Expectations.EndOf(state, other, entry, now) < end && !IsOverdue(state, other, now));
            if (isSooner && IsLive(other, now) && Obstacle(state, other, entry, now) is null && --wanted == 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Whether another idle worker has more of a task's inputs: where workers are as many as tasks, a path would else move with every phase, and its
    /// state with it. Only where no more tasks wait than workers are there; otherwise each finds one whose inputs it has.
    /// </summary>
    private bool AnotherHasMoreOfIt(DispatcherState state, WorkerEntry worker, TaskEntry entry, DateTimeOffset now)
    {
        if (entry.Demand.Inputs.IsEmpty || Rivals(state, entry) > state.Workers.Count)
        {
            return false;
        }

        long here = CachedBytes(worker, entry);
        foreach (WorkerEntry other in state.Workers.Values.Take(options.LookAround))
        {
            if (other.Held.IsEmpty && CachedBytes(other, entry) > here && IsLive(other, now) && Obstacle(state, other, entry, now) is null)
            {
                return true;
            }
        }

        return false;
    }

    private WaitReason? Obstacle(DispatcherState state, WorkerEntry worker, TaskEntry entry, DateTimeOffset now)
    {
        if (IsPaused(state, entry))
        {
            return new WaitReason(WaitCause.RunPaused, $"Run {entry.Demand.Run} is paused.", state.Runs[entry.Claims[0].Run].Since);
        }

        if (Misfit(state, worker, entry) is { } cause)
        {
            return new WaitReason(
                cause,
                cause switch
                {
                    WaitCause.Memory => $"Task {entry.Demand.Key} needs {entry.Demand.MemoryBytes:N0} bytes of memory, this worker has {worker.Capabilities.MemoryBytes:N0}.",
                    WaitCause.OuterOnly => "This worker makes outer steps only.",
                    _ => $"Task {entry.Demand.Key} wants the numerics fingerprint {entry.Demand.Fingerprint}, this worker's is {worker.Capabilities.Fingerprint}.",
                },
                worker.Since);
        }

        if (PlaceFor(state, worker, entry, now) is { } place)
        {
            return new WaitReason(WaitCause.InputsElsewhere, $"Task {entry.Demand.Key} is left to {place}, which makes outer steps.", entry.Since);
        }

        if (entry.NotBefore > now)
        {
            return new WaitReason(WaitCause.BackOff, $"Task {entry.Demand.Key} pauses until {entry.NotBefore:u} after {entry.Failures.Length} failed attempts.", entry.Since);
        }

        if (AwaitsAnother(worker, entry, now) && !worker.Held.IsEmpty && !worker.Kept.Contains(entry.Demand.Key))
        {
            return new WaitReason(WaitCause.OthersAreSooner, $"Task {entry.Demand.Key} is left to the worker that has begun it, should it come back, and to those that are free.", entry.Since);
        }

        return HasFailedHere(state, worker, entry, now) ? new WaitReason(WaitCause.FailedHere, $"Task {entry.Demand.Key} failed here and is left to other workers.", entry.Since)
            : OthersAreFaster(state, worker, entry, now) ? new WaitReason(WaitCause.TooSlow, $"Faster workers will be done with task {entry.Demand.Key} sooner.", worker.Since)
            : BesideBytes(state, worker, entry) is var beside and > 0 && entry.Demand.MemoryBytes + beside > worker.Capabilities.MemoryBytes
                ? new WaitReason(
                    WaitCause.MemoryBeside,
                    $"Task {entry.Demand.Key} needs {entry.Demand.MemoryBytes:N0} bytes of memory beside {beside:N0} of what this worker holds, which has {worker.Capabilities.MemoryBytes:N0}.",
                    worker.Since)
            : null;
    }

    /// <summary>
    /// The worker that an outer step is left to: one beside the store, or that does nothing else. Anywhere else all contributions would have to
    /// travel first, and paths wait for it. Not for ever: who makes no headway is not counted on, and after some time anybody may take it.
    /// </summary>
    private WorkerId? PlaceFor(DispatcherState state, WorkerEntry worker, TaskEntry entry, DateTimeOffset now)
    {
        if (!entry.Demand.Beside || worker.Capabilities.IsForOuterSteps || now - entry.Since > PatienceFor(state, entry))
        {
            return null;
        }

        foreach (WorkerId id in state.OuterWorkers)
        {
            WorkerEntry other = state.Workers[id];
            bool hasRoom = other.Capabilities.OuterOnly || other.Held.Length < other.Capabilities.Slots;
            if (hasRoom && !IsStuck(state, other, now) && entry.LeaseOf(id) is null && IsLive(other, now) && Obstacle(state, other, entry, now) is null)
            {
                return id;
            }
        }

        return null;
    }

    /// <summary>How long an outer step is left to those for it: some seconds, and several times what such a step has taken.</summary>
    private TimeSpan PatienceFor(DispatcherState state, TaskEntry entry) =>
        options.OuterPatience + (Expectations.TimeOf(entry, Expectations.MedianOf(state, entry.Demand.Kind)) * (2 * options.StragglerFactor) ?? TimeSpan.Zero);

    private bool IsStuck(DispatcherState state, WorkerEntry worker, DateTimeOffset now)
    {
        foreach (HeldLease held in worker.Held)
        {
            if (state.Find(held.Key, held.Number, worker.Capabilities.Worker) is (TaskEntry entry, Lease lease) && IsStraggler(state, entry, lease, now))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Memory of the largest of a worker's tasks that are in memory at the same time as this one.</summary>
    private static long BesideBytes(DispatcherState state, WorkerEntry worker, TaskEntry entry)
    {
        long bytes = 0;
        foreach (HeldLease held in worker.Held)
        {
            if (state.Tasks.TryGetValue(held.Key, out TaskEntry? other) && other.Demand.Beside != entry.Demand.Beside)
            {
                bytes = Math.Max(bytes, other.Demand.MemoryBytes);
            }
        }

        return bytes;
    }

    /// <summary>What a worker lacks that a task needs; null: nothing.</summary>
    public static WaitCause? Misfit(DispatcherState state, WorkerEntry worker, TaskEntry entry) =>
        worker.Capabilities.OuterOnly && !entry.Demand.Beside ? WaitCause.OuterOnly
        : entry.Demand.MemoryBytes > worker.Capabilities.MemoryBytes ? WaitCause.Memory
        : !NumericsFingerprint.Covers(worker.Capabilities.Fingerprint, entry.Demand.Fingerprint) ? WaitCause.Fingerprint
        : null;

    /// <summary>A task that failed on a worker goes to another one, as long as there is another one that it has not failed on and that does not hold it already.</summary>
    private bool HasFailedHere(DispatcherState state, WorkerEntry worker, TaskEntry entry, DateTimeOffset now)
    {
        if (!FailedOn(entry, worker.Capabilities.Worker))
        {
            return false;
        }

        foreach (WorkerEntry other in state.Workers.Values)
        {
            WorkerId id = other.Capabilities.Worker;
            if (IsLive(other, now) && !FailedOn(entry, id) && entry.LeaseOf(id) is null && Misfit(state, other, entry) is null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether there is another worker that a task fits and that it has not failed on.</summary>
    public bool HasOther(DispatcherState state, WorkerId worker, TaskEntry entry, DateTimeOffset now)
    {
        foreach (WorkerEntry other in state.Workers.Values)
        {
            WorkerId id = other.Capabilities.Worker;
            if (id != worker && IsLive(other, now) && !FailedOn(entry, id) && Misfit(state, other, entry) is null)
            {
                return true;
            }
        }

        return false;
    }

    private static bool FailedOn(TaskEntry entry, WorkerId worker)
    {
        foreach (TaskFailure failure in entry.Failures)
        {
            if (failure.Worker == worker)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Near the end of a phase a slow worker only delays: when there are at least as many faster workers as tasks that wait, and each
    /// would have done this task earlier even after what it is at. Who is overdue is not counted on, so nobody waits for ever.
    /// </summary>
    private bool OthersAreFaster(DispatcherState state, WorkerEntry worker, TaskEntry entry, DateTimeOffset now)
    {
        if (!_expectations.IsSlow(state, worker, entry.Demand.Kind) || Expectations.EndOf(state, worker, entry, now) is not { } end)
        {
            return false;
        }

        int faster = 0;
        foreach (WorkerEntry other in state.Workers.Values)
        {
            bool counts = other.Capabilities.Worker != worker.Capabilities.Worker && IsLive(other, now) && !FailedOn(entry, other.Capabilities.Worker)
                && Misfit(state, other, entry) is null && !_expectations.IsSlow(state, other, entry.Demand.Kind) && !IsOverdue(state, other, now);
            faster += counts && Expectations.EndOf(state, other, entry, now) < end ? 1 : 0;
        }

        // Where nothing waits, the task is one that somebody does not end: without anybody faster, a slow duplicate is better than none.
        return faster > 0 && faster >= Rivals(state, entry);
    }

    /// <summary>Tasks that wait for the same workers: outer steps have theirs, where somebody is there for them.</summary>
    private static int Rivals(DispatcherState state, TaskEntry entry) =>
        entry.Demand.Beside || state.OuterWorkers.IsEmpty ? state.Waiting.Count : state.Waiting.Count - state.WaitingBeside.Count;

    private static bool IsOverdue(DispatcherState state, WorkerEntry worker, DateTimeOffset now)
    {
        foreach (HeldLease held in worker.Held)
        {
            if (state.Find(held.Key, held.Number, worker.Capabilities.Worker) is (_, Lease lease) && (lease.ExpectedEnd is null || lease.ExpectedEnd < now))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A task that its worker will end far later than the median worker would, and than this one would: of those the one that ends last, or is overdue. Who trains a path already duplicates no other: it would begin it too late.</summary>
    private TaskEntry? ChooseStraggler(DispatcherState state, WorkerEntry worker, DateTimeOffset now)
    {
        TaskEntry? latest = null;
        DateTimeOffset latestEnd = DateTimeOffset.MinValue;
        int seen = 0;
        bool isBusy = worker.Held.Any(held => state.Tasks.TryGetValue(held.Key, out TaskEntry? own) && !own.Demand.Beside);
        foreach (QueuedTask running in state.Running)
        {
            if (seen++ == options.AffinityWindow)
            {
                break;
            }

            TaskEntry entry = state.Tasks[running.Key];
            Lease lease = entry.Leases[0];
            DateTimeOffset end = lease.ExpectedEnd > now ? lease.ExpectedEnd.Value : DateTimeOffset.MaxValue;
            if (lease.Worker != worker.Capabilities.Worker && (!isBusy || entry.Demand.Beside) && end > latestEnd && IsStraggler(state, entry, lease, now)
                && !(Expectations.EndOf(state, worker, entry, now) >= end) && Obstacle(state, worker, entry, now) is null)
            {
                (latest, latestEnd) = (entry, end);
            }
        }

        return latest;
    }

    /// <summary>
    /// Whether a lease takes far longer than the median worker would need, or else than its own progress has promised. Of a lease of
    /// which nothing at all is known the longest lease's duration is long enough: a duplicate costs nothing but an idle worker's time.
    /// </summary>
    private bool IsStraggler(DispatcherState state, TaskEntry entry, Lease lease, DateTimeOffset now)
    {
        if (entry.Demand.Beside && state.OuterWorkers.Contains(lease.Worker))
        {
            // What such a step has taken was measured without the time in which it is fetched and waits for the one before it.
            return now - lease.Started > PatienceFor(state, entry);
        }

        if (now - lease.Started < options.HeartbeatEvery)
        {
            // Nobody has heard of it since.
            return false;
        }

        TimeSpan? typical = Expectations.TimeOf(entry, Expectations.MedianOf(state, entry.Demand.Kind)) ?? (lease.ExpectedEnd - lease.Started);
        DateTimeOffset earliestEnd = lease.ExpectedEnd > now ? lease.ExpectedEnd.Value : now;
        return typical is { } time ? earliestEnd - lease.Started > time * options.StragglerFactor : now - lease.Started > options.MaximumLease;
    }

    private static WaitReason Idle(DispatcherState state, WorkerEntry worker)
    {
        int leased = state.Tasks.Count - state.Settled.Count;
        return worker.Capabilities.OuterOnly ? new WaitReason(WaitCause.OuterOnly, "There is no outer step to make, and this worker makes nothing else.", worker.Since)
            : leased > 0
            ? new WaitReason(WaitCause.AllLeased, $"Others compute the {leased} tasks that there are.", worker.Since)
            : new WaitReason(WaitCause.NoTask, "There is no task.", worker.Since);
    }

    /// <summary>Bytes that need not travel to a worker. A task whose own worker may come back with its state is left to that one as long as there are others.</summary>
    private static long Saved(WorkerEntry worker, TaskEntry entry, DateTimeOffset now) =>
        AwaitsAnother(worker, entry, now) ? -1 : CachedBytes(worker, entry);

    private static bool AwaitsAnother(WorkerEntry worker, TaskEntry entry, DateTimeOffset now) =>
        entry.AwaitedUntil > now && entry.AwaitedFrom != worker.Capabilities.Worker;

    private static long CachedBytes(WorkerEntry worker, TaskEntry entry)
    {
        if (worker.Cached.IsEmpty && !worker.Capabilities.HasStore)
        {
            return 0;
        }

        long bytes = 0;
        foreach (TaskInput input in entry.Demand.Inputs)
        {
            bytes += worker.Capabilities.HasStore ? input.Bytes : input.Bytes - input.Missing(worker.Cached.Contains);
        }

        return bytes;
    }
}
