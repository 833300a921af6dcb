using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>
/// Matches tasks to workers. Everything here is a function of state, event and time; receiving an event twice, late or out of order
/// changes nothing that matters. A task is a pure function, so the only things to get right are that none is lost, that an old lease
/// has no power over a newer one, and that nobody waits without a reason.
/// </summary>
/// <param name="options">Its bounds.</param>
public sealed class DispatcherRules(DispatcherOptions options)
{
    private readonly Expectations _expectations = new(options);
    private readonly Matching _matching = new(options);

    /// <summary>An owner wants a task. It says so again until it has been told how the task ended.</summary>
    public static (DispatcherState State, SubmitVerdict Verdict) Submit(DispatcherState state, TaskDemand demand, DateTimeOffset now)
    {
        if (state.Runs.TryGetValue(demand.Run, out RunStanding? standing) && standing.Demand == RunDemand.Ended)
        {
            return (state, SubmitVerdict.RunEnded);
        }

        TaskClaim claim = new(demand.Run, demand.Owner);
        if (!state.Tasks.TryGetValue(demand.Key, out TaskEntry? entry))
        {
            entry = new(demand, now) { Claims = [claim], Priority = demand.Priority, Since = now, NotBefore = now };
            return (state.Put(entry), SubmitVerdict.Accepted);
        }

        if (demand.Fingerprint is { } fingerprint && fingerprint != entry.Demand.Fingerprint)
        {
            return (state, SubmitVerdict.OtherFingerprint);
        }

        bool isKnown = entry.Claims.Contains(claim);
        return isKnown && demand.Priority <= entry.Priority
            ? (state, SubmitVerdict.Accepted)
            : (state.Put(entry with { Claims = isKnown ? entry.Claims : entry.Claims.Add(claim), Priority = Math.Max(entry.Priority, demand.Priority) }), SubmitVerdict.Accepted);
    }

    /// <summary>What owners have to be told until they acknowledge it.</summary>
    public static IEnumerable<TaskSettled> Outstanding(DispatcherState state)
    {
        foreach (TaskKey key in state.Settled)
        {
            TaskEntry entry = state.Tasks[key];
            foreach (TaskClaim claim in entry.Claims)
            {
                yield return new TaskSettled(key, claim.Run, claim.Owner, entry.SettledBy, entry.Outcome, entry.GaveUp);
            }
        }
    }

    /// <summary>An owner has been told how its task ended, or no longer wants to know. The last acknowledgement makes the task forgotten.</summary>
    /// <param name="state">The dispatcher.</param>
    /// <param name="key">The task.</param>
    /// <param name="claim">Who acknowledges.</param>
    /// <param name="settledBy">From the <see cref="TaskSettled"/> that is acknowledged.</param>
    /// <param name="now">Now.</param>
    public static DispatcherState Acknowledge(DispatcherState state, TaskKey key, TaskClaim claim, LeaseNumber settledBy, DateTimeOffset now)
    {
        bool isIt = state.Tasks.TryGetValue(key, out TaskEntry? entry) && entry.IsSettled && entry.SettledBy == settledBy;
        return isIt ? state.Disclaim(entry!, claim, now) : state;
    }

    /// <summary>An owner no longer wants a task, whatever its state. Wanted by nobody, it is forgotten, and its leases end.</summary>
    /// <param name="state">The dispatcher.</param>
    /// <param name="key">The task.</param>
    /// <param name="claim">Who withdraws.</param>
    /// <param name="now">Now.</param>
    public static DispatcherState Withdraw(DispatcherState state, TaskKey key, TaskClaim claim, DateTimeOffset now) =>
        state.Tasks.TryGetValue(key, out TaskEntry? entry) ? state.Disclaim(entry, claim, now) : state;

    /// <summary>A run says what it wants of its tasks. It says so again and again while it is not at its end: this dispatcher may have begun anew.</summary>
    /// <param name="state">The dispatcher.</param>
    /// <param name="run">The run.</param>
    /// <param name="number">Grows with each change of mind.</param>
    /// <param name="demand">What it wants.</param>
    /// <param name="now">Now.</param>
    public static (DispatcherState State, long Number) Stand(DispatcherState state, RunId run, long number, RunDemand demand, DateTimeOffset now)
    {
        if (state.Runs.TryGetValue(run, out RunStanding? standing) && standing.Number >= number)
        {
            state = standing.Number == number && now > standing.LastHeard
                ? state with { Runs = state.Runs.SetItem(run, standing with { LastHeard = now }) }
                : state;
            return (state, standing.Number);
        }

        DispatcherState next = state with { Runs = state.Runs.SetItem(run, new RunStanding(number, demand, now, now)) };
        if (demand == RunDemand.Ended)
        {
            foreach (TaskEntry entry in state.Tasks.Values)
            {
                TaskEntry left = entry;
                foreach (TaskClaim claim in entry.Claims)
                {
                    if (claim.Run == run)
                    {
                        next = next.Disclaim(left, claim, now);
                        left = next.Tasks.GetValueOrDefault(entry.Demand.Key, left);
                    }
                }
            }
        }

        return (next, number);
    }

    /// <summary>A worker says who it is. A new incarnation ends the leases of the one before at once; quarantine and measured rates stay.</summary>
    public (DispatcherState State, Registration Reply) Register(DispatcherState state, WorkerCapabilities offer, DateTimeOffset now)
    {
        if (!state.Workers.TryGetValue(offer.Worker, out WorkerEntry? known))
        {
            WorkerEntry worker = new(offer, now) { Since = now };
            return (state.Put(worker), Reply(worker, isCurrent: true));
        }

        if (offer.Incarnation < known.Capabilities.Incarnation)
        {
            return (state, Reply(known, isCurrent: false));
        }

        if (offer.Incarnation > known.Capabilities.Incarnation)
        {
            state = state.DropLeases(known, now, isLost: true);
            known = state.Workers[offer.Worker] with
            {
                Cached = [], Kept = [], LastRequest = 0, LastGrant = LeaseNumber.None, Since = now, HeartbeatGap = 0, HeartbeatDeviation = 0,
                Rates = offer.Device == known.Capabilities.Device ? known.Rates : known.Rates.Clear(),
            };
        }

        WorkerEntry heard = known with { Capabilities = offer, LastHeard = now };
        return (state.Put(heard), Reply(heard, isCurrent: true));
    }

    /// <summary>A worker leaves for good, having handed back what it held. A quarantined one stays known.</summary>
    public static DispatcherState Leave(DispatcherState state, WorkerId worker, long incarnation, DateTimeOffset now)
    {
        if (state.Current(worker, incarnation) is not { } known)
        {
            return state;
        }

        state = state.DropLeases(known, now);
        return known.Refusals.IsEmpty ? state.Remove(worker) : state;
    }

    /// <summary>An operator trusts a quarantined worker again.</summary>
    public static DispatcherState Release(DispatcherState state, WorkerId worker, DateTimeOffset now) =>
        state.Workers.TryGetValue(worker, out WorkerEntry? known) && !known.Refusals.IsEmpty
            ? state with { Workers = state.Workers.SetItem(worker, known with { Refusals = [], Quarantine = null, Since = now }) }
            : state;

    /// <summary>A worker asks for a task. It gets one, or is told what it waits on.</summary>
    public (DispatcherState State, LeaseReply Reply) Lease(DispatcherState state, LeaseRequest request, DateTimeOffset now)
    {
        if (state.Current(request.Worker, request.Incarnation) is not { } worker)
        {
            return (state, new LeaseReply(request.Number, null, null, IsUnknown: true));
        }

        if (request.Number < worker.LastRequest)
        {
            return (state, new LeaseReply(request.Number, null, new WaitReason(WaitCause.Stale, $"Request {worker.LastRequest} was answered before.", now)));
        }

        if (request.Asked < worker.LastExpired)
        {
            // It was taken for dead after it had asked, and its task must not go to a question that nobody may stand behind any more.
            return (state, new LeaseReply(request.Number, null, new WaitReason(WaitCause.Stale, "A lease of this worker has ended since it asked.", now)));
        }

        worker = worker with { LastHeard = now, Cached = CacheOf(worker, request.Cached), Kept = request.Kept[..Math.Min(request.Kept.Length, options.KeptStates)] };
        if (request.Number == worker.LastRequest && worker.LastGrant != LeaseNumber.None)
        {
            // The answer was lost, or the question came twice: the same lease again while it lives. One that ended before the worker
            // spoke of it never reached the worker, which still waits for this answer.
            if (worker.Held.FirstOrDefault(held => held.Number == worker.LastGrant) is { Number.Value: > 0 } held
                && state.Find(held.Key, held.Number, request.Worker) is (TaskEntry granted, Lease lease))
            {
                state = state with { Workers = state.Workers.SetItem(request.Worker, worker) };
                return (state, new LeaseReply(request.Number, Grant(state, worker, granted, lease, now), null));
            }

            if (worker.GrantArrived)
            {
                return (state, new LeaseReply(request.Number, null, new WaitReason(WaitCause.Stale, $"Lease {worker.LastGrant} answered this request.", now)));
            }
        }

        worker = worker with { LastRequest = request.Number, LastGrant = LeaseNumber.None, GrantArrived = false };
        (TaskEntry? entry, WaitReason? wait) = _matching.Choose(state, worker, now);
        if (entry is null)
        {
            return (state with { Workers = state.Workers.SetItem(request.Worker, worker) }, new LeaseReply(request.Number, null, wait));
        }

        (state, worker, Lease given) = Give(state, worker, entry, now);
        worker = worker with { LastGrant = given.Number };
        state = state with { Workers = state.Workers.SetItem(request.Worker, worker) };
        return (state, new LeaseReply(request.Number, Grant(state, worker, state.Tasks[entry.Demand.Key], given, now), null));
    }

    /// <summary>
    /// A worker is still at its task: the lease is extended. One that has ended is replaced by a new one if nobody else has taken the
    /// task meanwhile, so that neither a cut network nor a dispatcher that has forgotten everything costs steps that are made.
    /// </summary>
    public (DispatcherState State, HeartbeatReply Reply) Heartbeat(DispatcherState state, Heartbeat beat, DateTimeOffset now)
    {
        if (state.Current(beat.Worker, beat.Incarnation) is not { } worker)
        {
            return (state, new HeartbeatReply(beat.Lease, beat.Lease, HeartbeatVerdict.Unknown, now, "The dispatcher does not know this worker."));
        }

        worker = worker with { LastHeard = now, Cached = CacheOf(worker, beat.Cached), GrantArrived = worker.GrantArrived || worker.LastGrant == beat.Lease };
        TaskEntry? entry = state.Tasks.GetValueOrDefault(beat.Key);
        if (entry?.LeaseOf(beat.Worker) is not { } lease || lease.Number < beat.Lease)
        {
            if (entry is null || beat.Lease > state.LastLease || beat.Lease <= entry.LastReturned || !Matching.MayTakeBack(state, worker, entry))
            {
                state = state with { Workers = state.Workers.SetItem(beat.Worker, worker) };
                return (state, new HeartbeatReply(beat.Lease, beat.Lease, HeartbeatVerdict.Lost, now, WhyLost(entry)));
            }

            (state, worker, lease) = Give(state, worker, entry, now);
            entry = state.Tasks[beat.Key];
        }

        worker = _expectations.Heard(worker, lease, now);
        lease = _expectations.Extend(worker, lease, beat, now);
        state = state with
        {
            Workers = state.Workers.SetItem(beat.Worker, worker),
            Tasks = state.Tasks.SetItem(beat.Key, entry with { Leases = entry.Leases.Replace(entry.LeaseOf(beat.Worker)!, lease) }),
        };
        return Matching.IsPaused(state, entry)
            ? (state, new HeartbeatReply(beat.Lease, lease.Number, HeartbeatVerdict.HandBack, lease.Deadline, $"Run {entry.Demand.Run} is paused."))
            : (state, new HeartbeatReply(beat.Lease, lease.Number, HeartbeatVerdict.Continue, lease.Deadline));
    }

    /// <summary>
    /// A worker delivers. The first valid result wins; the same bytes again change nothing; other bytes are ignored and reported. The
    /// lease may have ended: a task is a pure function, so a late result is as good as any, if it comes from the right fingerprint.
    /// </summary>
    public (DispatcherState State, CompletionReply Reply) Complete(DispatcherState state, Completion completion, DateTimeOffset now)
    {
        if (!state.Workers.TryGetValue(completion.Worker, out WorkerEntry? worker))
        {
            return (state, new CompletionReply(completion.Lease, CompletionVerdict.Unknown, "The dispatcher does not know this worker."));
        }

        if (!state.Tasks.TryGetValue(completion.Key, out TaskEntry? entry) || entry.GaveUp is not null)
        {
            return (state, new CompletionReply(completion.Lease, CompletionVerdict.NotWanted, "Nobody waits for this task."));
        }

        if (entry.Outcome is { } outcome)
        {
            return AfterOutcome(state, worker, entry, outcome, completion);
        }

        if (ObjectionTo(state, worker, entry, completion) is { } objection)
        {
            // Not the worker's arithmetic is at fault but that it was asked, or that nobody asked it: the task goes back without a mark.
            state = state.Find(completion.Key, completion.Lease, completion.Worker) is (TaskEntry leased, Lease held) ? state.End(leased, held, isReturned: true, now) : state;
            return (state, new CompletionReply(completion.Lease, CompletionVerdict.Refused, objection, Delivered: TaskOutcome.DigestOf(completion.Outputs, completion.Metrics)));
        }

        state = Acquit(state, entry, completion);
        worker = state.Workers[completion.Worker];
        if (state.Find(completion.Key, completion.Lease, completion.Worker) is (_, Lease lease))
        {
            (worker, KindRates kind) = _expectations.Measured(state, worker, entry, lease, completion.Elapsed, now);
            state = state with { Kinds = state.Kinds.SetItem(entry.Demand.Kind, kind) };
        }

        state = state with { Workers = state.Workers.SetItem(completion.Worker, worker with { Completed = worker.Completed + 1, LastHeard = now, GrantArrived = worker.GrantArrived || worker.LastGrant == completion.Lease }) };
        TaskOutcome result = new(completion.Outputs, completion.Metrics, completion.Worker, completion.Fingerprint, completion.Lease);
        return (state.DropAll(entry, now).Put(entry with { Leases = [], Outcome = result, Continuation = null, Since = now }), new CompletionReply(completion.Lease, CompletionVerdict.Taken));
    }

    /// <summary>
    /// The guard at the door does not let a result in: the task goes to another worker, and the worker is marked; three marks quarantine
    /// it. When another worker brings the same bytes, the first one is acquitted: it was the task, not the worker.
    /// </summary>
    /// <param name="state">The dispatcher.</param>
    /// <param name="completion">What was delivered.</param>
    /// <param name="kind">How bad it is.</param>
    /// <param name="reason">Why, for people: which output, what was found, what was expected.</param>
    /// <param name="now">Now.</param>
    public (DispatcherState State, CompletionReply Reply) Refuse(DispatcherState state, Completion completion, RefusalKind kind, string reason, DateTimeOffset now)
    {
        BlobHash digest = TaskOutcome.DigestOf(completion.Outputs, completion.Metrics);
        CompletionReply refused = new(completion.Lease, CompletionVerdict.Refused, reason, Delivered: digest);
        if (!state.Workers.TryGetValue(completion.Worker, out WorkerEntry? worker))
        {
            return (state, new CompletionReply(completion.Lease, CompletionVerdict.Unknown, "The dispatcher does not know this worker."));
        }

        if (!state.Tasks.TryGetValue(completion.Key, out TaskEntry? entry) || entry.IsSettled)
        {
            return (state, new CompletionReply(completion.Lease, CompletionVerdict.NotWanted, "Nobody waits for this task."));
        }

        if (entry.Failures.Any(failure => failure.Lease == completion.Lease))
        {
            return (state, refused);
        }

        if (entry.Failures.FirstOrDefault(failure => failure.Refused == digest && failure.Worker != completion.Worker) is { } same)
        {
            if (kind == RefusalKind.Unlikely)
            {
                return Complete(state, completion, now);
            }

            state = Acquit(state, entry, completion);
            string both = $"Workers {same.Worker} and {completion.Worker} brought the same bytes, so it is the task: {reason}";
            return (GiveUp(state, entry, new TaskFailure(completion.Worker, completion.Lease, now, reason, digest), both, now), refused);
        }

        TaskFailure failure = new(completion.Worker, completion.Lease, now, reason, digest);
        worker = worker with { Refusals = worker.Refusals.Add(failure), LastHeard = now };
        state = state with { Workers = state.Workers.SetItem(completion.Worker, worker) };
        // Steps that others would go on from may stem from the same broken arithmetic.
        state = Count(state, entry with { Continuation = null }, failure, now);
        if (worker.Refusals.Length >= options.RefusalsUntilQuarantine && worker.Quarantine is null)
        {
            worker = state.Workers[completion.Worker] with { Quarantine = $"{worker.Refusals.Length} results were refused, the last one because: {reason}", Since = now };
            state = (state with { Workers = state.Workers.SetItem(completion.Worker, worker) }).DropLeases(worker, now);
        }

        return (state, refused);
    }

    /// <summary>Whether a task could be given to another worker now that it has not failed on: whether a second opinion is to be had.</summary>
    /// <param name="state">The dispatcher.</param>
    /// <param name="worker">Who has brought the first.</param>
    /// <param name="key">The task.</param>
    /// <param name="now">Now.</param>
    public bool HasOther(DispatcherState state, WorkerId worker, TaskKey key, DateTimeOffset now) =>
        state.Tasks.TryGetValue(key, out TaskEntry? entry) && _matching.HasOther(state, worker, entry, now);

    /// <summary>
    /// A task failed on a worker: it runs again elsewhere after a pause, up to a limit. One that would fail everywhere is given up once two workers
    /// say so, or the only one: a single machine with bad memory must not end a run. Only a valid lease can fail.
    /// </summary>
    /// <param name="state">The dispatcher.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="lease">Its lease.</param>
    /// <param name="key">The task.</param>
    /// <param name="reason">Why, for people.</param>
    /// <param name="kind">What the worker takes it for.</param>
    /// <param name="now">Now.</param>
    public DispatcherState Fail(DispatcherState state, WorkerId worker, LeaseNumber lease, TaskKey key, string reason, FailureKind kind, DateTimeOffset now)
    {
        if (state.Find(key, lease, worker) is not (TaskEntry entry, _))
        {
            return state;
        }

        WorkerEntry failed = state.Workers[worker];
        state = state with { Workers = state.Workers.SetItem(worker, failed with { Failed = failed.Failed + 1, LastHeard = now }) };
        TaskFailure failure = new(worker, lease, now, reason) { Kind = kind };
        bool isCertain = kind == FailureKind.Permanent
            && (entry.Failures.Any(other => other.Kind == FailureKind.Permanent && other.Worker != worker) || !_matching.HasOther(state, worker, entry, now));
        return isCertain ? GiveUp(state, entry, failure, $"On worker {worker}: {reason}", now) : Count(state, entry, failure, now);
    }

    /// <summary>A worker hands a task back, with the steps that it has made. Another one gets it at once.</summary>
    /// <param name="state">The dispatcher.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="lease">Its lease; of one that has ended only the steps are taken.</param>
    /// <param name="key">The task.</param>
    /// <param name="continuation">The inner state; null: nothing worth keeping.</param>
    /// <param name="now">Now.</param>
    public static DispatcherState HandBack(DispatcherState state, WorkerId worker, LeaseNumber lease, TaskKey key, Continuation? continuation, DateTimeOffset now)
    {
        if (!state.Tasks.TryGetValue(key, out TaskEntry? entry) || entry.IsSettled)
        {
            return state;
        }

        bool isTrusted = state.Workers.TryGetValue(worker, out WorkerEntry? known) && known.Refusals.IsEmpty;
        if (isTrusted && continuation is not null && entry.Demand.Divisible && continuation.DoneSteps > (entry.Continuation?.DoneSteps ?? 0)
            && NumericsFingerprint.Covers(continuation.Fingerprint, entry.Demand.Fingerprint))
        {
            entry = entry with { Continuation = continuation };
            state = state with { Tasks = state.Tasks.SetItem(key, entry) };
        }

        return state.Find(key, lease, worker) is (TaskEntry leased, Lease held) ? state.End(leased, held, isReturned: true, now) : state;
    }

    /// <summary>Time has passed: leases expire, pauses that nobody upholds lapse, silent workers are forgotten.</summary>
    public DispatcherState Tick(DispatcherState state, DateTimeOffset now)
    {
        foreach ((RunId run, RunStanding standing) in state.Runs)
        {
            // A late message may have paused a run that has gone on since, or is over.
            if (standing.Demand == RunDemand.Paused && now - standing.LastHeard > options.MaximumLease)
            {
                state = state with { Runs = state.Runs.Remove(run) };
            }
        }

        foreach (WorkerEntry worker in state.Workers.Values)
        {
            if (!worker.Held.IsEmpty && worker.NextDeadline <= now)
            {
                state = EndExpired(state, worker, now);
            }

            if (worker.Held.IsEmpty && worker.Quarantine is null && now - worker.LastHeard > options.ForgetWorkers)
            {
                state = state.Remove(worker.Capabilities.Worker);
            }
        }

        return state;
    }

    /// <summary>What everybody does, for people.</summary>
    public DispatcherStatus Status(DispatcherState state, DateTimeOffset now) => new StatusLines(_matching, _expectations).Of(state, now);

    private static DispatcherState EndExpired(DispatcherState state, WorkerEntry worker, DateTimeOffset now)
    {
        WorkerId id = worker.Capabilities.Worker;
        DateTimeOffset next = DateTimeOffset.MaxValue;
        foreach (HeldLease held in worker.Held)
        {
            if (state.Find(held.Key, held.Number, id) is not (TaskEntry entry, Lease lease))
            {
                continue;
            }

            if (lease.Deadline > now)
            {
                next = lease.Deadline < next ? lease.Deadline : next;
                continue;
            }

            state = state.End(entry, lease, isReturned: false, now, isLost: true);
            WorkerEntry late = state.Workers[id];
            state = state with { Workers = state.Workers.SetItem(id, late with { Expired = late.Expired + 1, LastExpired = now }) };
        }

        return state with { Workers = state.Workers.SetItem(id, state.Workers[id] with { NextDeadline = next }) };
    }

    private static (DispatcherState State, CompletionReply Reply) AfterOutcome(
        DispatcherState state, WorkerEntry worker, TaskEntry entry, TaskOutcome outcome, Completion completion)
    {
        if (outcome.Equals(completion.Outputs, completion.Metrics))
        {
            return (state, new CompletionReply(completion.Lease, CompletionVerdict.Known, "The same result was there before."));
        }

        if (entry.Demand.Fingerprint is null && completion.Fingerprint != outcome.Fingerprint)
        {
            return (state, new CompletionReply(completion.Lease, CompletionVerdict.NotWanted, "A worker with another fingerprint was faster."));
        }

        BlobHash present = outcome.Digest();
        BlobHash delivered = TaskOutcome.DigestOf(completion.Outputs, completion.Metrics);
        string reason = $"Task {entry.Demand.Key} has the result {present} from worker {outcome.Worker}; {delivered} from worker {completion.Worker} is ignored.";
        state = state with { Workers = state.Workers.SetItem(completion.Worker, worker with { Contradictions = worker.Contradictions + 1 }) };
        return (state, new CompletionReply(completion.Lease, CompletionVerdict.Contradiction, reason, present, delivered));
    }

    private static string? ObjectionTo(DispatcherState state, WorkerEntry worker, TaskEntry entry, Completion completion) =>
        completion.Lease > state.LastLease ? $"Lease {completion.Lease} was never given."
        : worker.Quarantine is { } quarantine ? $"The worker is quarantined: {quarantine}"
        : entry.Demand.Fingerprint is { } wanted && !NumericsFingerprint.Covers(completion.Fingerprint, wanted) ? $"The task wants the numerics fingerprint {wanted}, not {completion.Fingerprint}."
        : entry.Failures.Any(failure => failure.Lease == completion.Lease) ? $"Lease {completion.Lease} has failed before."
        : null;

    /// <summary>Takes back the marks for bytes that turn out not to be their workers' fault: they are brought again, by another or at last taken.</summary>
    private DispatcherState Acquit(DispatcherState state, TaskEntry entry, Completion completion)
    {
        if (entry.Failures.All(failure => failure.Refused is null))
        {
            return state;
        }

        BlobHash digest = TaskOutcome.DigestOf(completion.Outputs, completion.Metrics);
        foreach (TaskFailure failure in entry.Failures)
        {
            if (failure.Refused == digest && state.Workers.TryGetValue(failure.Worker, out WorkerEntry? marked))
            {
                ImmutableArray<TaskFailure> left = marked.Refusals.RemoveAll(refusal => refusal.Lease == failure.Lease);
                WorkerEntry acquitted = marked with { Refusals = left, Quarantine = left.Length < options.RefusalsUntilQuarantine ? null : marked.Quarantine };
                state = state with { Workers = state.Workers.SetItem(failure.Worker, acquitted) };
            }
        }

        return state;
    }

    /// <summary>Counts a failed attempt, and gives the task up at the limit.</summary>
    private DispatcherState Count(DispatcherState state, TaskEntry entry, TaskFailure failure, DateTimeOffset now)
    {
        bool mayPass = failure.Kind == FailureKind.Passing && !entry.Failures.IsEmpty && now - entry.Failures[0].At < options.PassingTrouble;
        if (entry.Failures.Length + 1 >= options.MaximumFailures && !mayPass)
        {
            string reasons = string.Join("; ", entry.Failures.Add(failure).Select(each => $"on worker {each.Worker}: {each.Reason}"));
            return GiveUp(state, entry, failure, $"{entry.Failures.Length + 1} attempts failed: {reasons}", now);
        }

        TimeSpan pause = options.FirstBackOff * Math.Pow(2, Math.Min(entry.Failures.Length, 30));
        entry = entry with { Failures = entry.Failures.Add(failure), NotBefore = now + (pause < options.LongestBackOff ? pause : options.LongestBackOff) };
        state = state.Put(entry);
        return state.Find(entry.Demand.Key, failure.Lease, failure.Worker) is (TaskEntry leased, Lease lease) ? state.End(leased, lease, isReturned: true, now) : state;
    }

    private static DispatcherState GiveUp(DispatcherState state, TaskEntry entry, TaskFailure failure, string reason, DateTimeOffset now)
    {
        string text = $"Task {entry.Demand.Key} ({entry.Demand.Kind} of {entry.Demand.Owner}, run {entry.Demand.Run}) is given up. {reason}";
        return state.DropAll(entry, now).Put(entry with { Leases = [], Failures = entry.Failures.Add(failure), GaveUp = text, Since = now });
    }

    private (DispatcherState State, WorkerEntry Worker, Lease Lease) Give(DispatcherState state, WorkerEntry worker, TaskEntry entry, DateTimeOffset now)
    {
        WorkerId id = worker.Capabilities.Worker;
        double start = entry.Continuation?.Fraction() ?? 0;
        Lease lease = new(
            state.LastLease.Next, id, worker.Capabilities.Incarnation, now, now + _expectations.DurationOf(worker), now, start, start,
            Expectations.EndOf(state, worker, entry, now));
        worker = worker with
        {
            Held = worker.Held.Add(new HeldLease(lease.Number, entry.Demand.Key)),
            Since = worker.Held.IsEmpty ? now : worker.Since,
            NextDeadline = worker.Held.IsEmpty || lease.Deadline < worker.NextDeadline ? lease.Deadline : worker.NextDeadline,
        };
        entry = entry with { Leases = entry.Leases.Add(lease), Attempts = entry.Attempts + 1, Since = entry.Leases.IsEmpty ? now : entry.Since };
        state = state.Put(entry) with { LastLease = lease.Number, Workers = state.Workers.SetItem(id, worker) };
        return (state, worker, lease);
    }

    private LeaseGrant Grant(DispatcherState state, WorkerEntry worker, TaskEntry entry, Lease lease, DateTimeOffset now) => new(
        lease.Number, entry.Demand, entry.Continuation, lease.Deadline, options.HeartbeatEvery,
        lease.ExpectedEnd is { } end && end > now ? end - now : null, _matching.ShareOf(state, worker, entry));

    private Registration Reply(WorkerEntry worker, bool isCurrent) =>
        new(isCurrent, options.HeartbeatEvery, _expectations.DurationOf(worker), worker.Quarantine);

    private ImmutableHashSet<BlobHash> CacheOf(WorkerEntry worker, ImmutableArray<BlobHash>? cached) =>
        cached is { } blobs ? [.. blobs.AsSpan()[..Math.Min(blobs.Length, options.CachedInputs)]] : worker.Cached;

    private static string WhyLost(TaskEntry? entry) =>
        entry is null ? "Nobody wants this task any more."
        : entry.IsSettled ? "The task is settled: another worker was faster."
        : "The lease has ended, and the task is another worker's.";
}
