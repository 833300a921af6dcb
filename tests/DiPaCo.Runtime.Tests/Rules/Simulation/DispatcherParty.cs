using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>The shell around the dispatcher's rules, and the guard at the door.</summary>
internal sealed class DispatcherParty(World world) : StatefulParty<DispatcherState>(world, "dispatcher", DispatcherState.Empty)
{
    private readonly DispatcherRules _rules = new(new DispatcherOptions
    {
        MinimumLease = TimeSpan.FromSeconds(1),
        MaximumLease = TimeSpan.FromSeconds(4),
        FirstBackOff = TimeSpan.FromMilliseconds(100),
        LongestBackOff = TimeSpan.FromMilliseconds(800),
        MaximumFailures = world.Faults.MaximumFailures,
    });

    private long _starts;
    private Cause _cause;

    public void OnSubmitted(TaskDemand demand)
    {
        _cause = default;
        (State, _) = DispatcherRules.Submit(State, demand, Now);
    }

    public void OnAcknowledged(TaskSettled settled)
    {
        _cause = new Cause(Acknowledged: settled.Key);
        State = DispatcherRules.Acknowledge(State, settled.Key, new TaskClaim(settled.Run, settled.Owner), settled.SettledBy, Now);
    }

    public void OnStanding(StandingNotice notice)
    {
        _cause = new Cause(HasEnded: notice.Demand == RunDemand.Ended);
        (State, long number) = DispatcherRules.Stand(State, notice.Run, notice.Number, notice.Demand, Now);
        Send(World.Run, "standing heard", () => World.Run.OnStanding(number));
    }

    public void OnRegistered(WorkerParty worker, WorkerCapabilities offer)
    {
        _cause = new Cause(offer.Worker, IsAll: true);
        (State, Registration reply) = _rules.Register(State, offer, Now);
        Send(worker, "registered", () => worker.OnRegistered(offer.Incarnation, reply));
    }

    public void OnLeft(WorkerId worker, long incarnation)
    {
        _cause = new Cause(worker, IsAll: true);
        State = DispatcherRules.Leave(State, worker, incarnation, Now);
    }

    public void OnRequested(WorkerParty worker, LeaseRequest request)
    {
        _cause = new Cause(request.Worker);
        (State, LeaseReply reply) = World.Rules.Lease(_rules, State, request, Now);
        Send(worker, "lease", () => worker.OnLeased(request.Incarnation, reply));
    }

    public void OnHeartbeat(WorkerParty worker, Heartbeat beat)
    {
        _cause = new Cause(beat.Worker, beat.Lease);
        (State, HeartbeatReply reply) = World.Rules.Heartbeat(_rules, State, beat, Now);
        World.Seen.Renewals += reply.Lease != reply.Asked ? 1 : 0;
        Send(worker, "heartbeat answered", () => worker.OnHeartbeat(beat.Incarnation, reply));
    }

    /// <summary>A real shell looks at the blobs: this one is told whether they can be used.</summary>
    public void OnCompleted(WorkerParty worker, Completion completion, bool isDamaged)
    {
        _cause = new Cause(completion.Worker, completion.Lease);
        bool isSettled = State.Tasks.TryGetValue(completion.Key, out TaskEntry? entry) && entry.IsSettled;
        (State, CompletionReply reply) =
            isDamaged ? _rules.Refuse(State, completion, RefusalKind.Invalid, "A value was not finite.", Now)
            : World.HasFaults && World.Chance(World.Faults.FalseAlarm) ? _rules.Refuse(State, completion, RefusalKind.Unlikely, "The norm was too large.", Now)
            : World.Rules.Complete(_rules, State, completion, Now);
        See(entry, isSettled, completion, reply);
        Send(worker, "result answered", () => worker.OnCompleted(completion.Incarnation, reply));
    }

    public void OnFailed(WorkerId worker, LeaseNumber lease, TaskKey key)
    {
        _cause = new Cause(worker, lease);
        State = World.Rules.Fail(_rules, State, worker, lease, key, Now);
    }

    public void OnHandedBack(WorkerParty worker, WorkerId id, long incarnation, LeaseNumber lease, TaskKey key, Continuation? continuation)
    {
        _cause = new Cause(id, lease);
        State = World.Rules.HandBack(_rules, State, id, lease, key, continuation, Now);
        Send(worker, "hand-back heard", () => worker.OnHandedBack(incarnation, lease));
    }

    public string Describe()
    {
        DispatcherStatus status = _rules.Status(Saved, Now);
        return string.Join(" ", [.. status.Workers.Select(worker => $"Worker {worker.Worker}: {worker.State}"), .. status.Tasks.Select(task => $"{task.Kind} of {task.Owner}: {task.WaitsOn.Text}")]);
    }

    public override void Recover()
    {
        base.Recover();
        if (World.Faults.IsVolatile)
        {
            World.Seen.Forgotten += Saved.Tasks.Count;
            Saved = World.Rules.Volatile(Saved, ++_starts);
            State = Saved;
        }
    }

    public override void Wake()
    {
        base.Wake();
        _cause = new Cause(IsTick: true);
        State = World.Rules.Tick(_rules, State, Now);
        if (!World.HasFaults)
        {
            // Somebody has looked after the workers.
            foreach (WorkerId worker in State.Workers.Keys)
            {
                State = DispatcherRules.Release(State, worker, Now);
            }
        }
    }

    public override void SendOutstanding()
    {
        if (!State.Settled.IsEmpty)
        {
            foreach (TaskSettled settled in DispatcherRules.Outstanding(State))
            {
                object what = (object?)settled.Outcome ?? settled.GaveUp!;
                if (World.OwnerOf(settled.Owner) is PathParty path)
                {
                    SendOnce(what, 0, path, "result", () => path.OnSettled(settled));
                }
                else if (World.OwnerOf(settled.Owner) is ModuleParty module)
                {
                    SendOnce(what, 0, module, "result", () => module.OnSettled(settled));
                }
            }
        }

        WakeWithin(200);
    }

    protected override void Check(DispatcherState before, DispatcherState after) => DispatcherInvariants.Check(before, after, _cause, Now, World.Seen);

    private void See(TaskEntry? entry, bool wasSettled, Completion completion, CompletionReply reply)
    {
        if (reply.Verdict == CompletionVerdict.Contradiction)
        {
            throw new SimulationException($"Two results of one task: {reply.Reason}");
        }

        World.Seen.RepeatedResults += wasSettled && reply.Verdict == CompletionVerdict.Known ? 1 : 0;
        bool isLate = entry is not null && !entry.Leases.Any(lease => lease.Number == completion.Lease);
        World.Seen.LateResults += isLate && reply.Verdict == CompletionVerdict.Taken ? 1 : 0;
        World.Seen.Refusals += reply.Verdict == CompletionVerdict.Refused ? 1 : 0;
        bool isAcquittal = reply.Verdict == CompletionVerdict.Taken && entry!.Failures.Any(failure => failure.Refused == reply.Delivered || failure.Refused == TaskOutcome.DigestOf(completion.Outputs, completion.Metrics));
        World.Seen.Acquittals += isAcquittal ? 1 : 0;
    }
}
