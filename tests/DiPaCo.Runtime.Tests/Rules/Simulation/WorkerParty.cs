using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>A worker process: it remembers nothing over a crash but its name and how often it has started.</summary>
internal sealed class WorkerParty : Party
{
    private static readonly ImmutableArray<string> OuterNames = ["module", "momentum"];
    private static readonly ImmutableArray<string> FoldNames = ["sums"];

    private readonly int _number;
    private readonly WorkerId _id;
    private readonly string _fingerprint;
    private readonly int _stepMilliseconds;
    private readonly List<Held> _held = [];
    private long _incarnation = 1;
    private bool _isRegistered;
    private bool _isLeaving;
    private long _request = 1;
    private int _work;

    public WorkerParty(World world, int number) : base(world, $"worker {number}")
    {
        _number = number;
        _id = new WorkerId($"w{number}");
        _fingerprint = number == 2 && world.Faults.HasForeigner ? "other" : Arithmetic.Fingerprint;
        _stepMilliseconds = (number == 1 && world.Faults.HasSlow ? 5 : 1) * (20 + world.Draw(20));
    }

    private bool IsHere => !_isLeaving;

    public void OnRegistered(long incarnation, Registration reply) => _isRegistered |= incarnation == _incarnation && reply.IsCurrent;

    public void OnLeased(long incarnation, LeaseReply reply)
    {
        if (incarnation != _incarnation || reply.Number != _request || !IsHere)
        {
            return;
        }

        _isRegistered &= !reply.IsUnknown;
        if (reply.Grant is { } grant)
        {
            _request++;
            _held.Add(new Held(grant.Demand, grant.Number, grant.Continuation, grant.Share));
            Compute();
        }
    }

    public void OnHeartbeat(long incarnation, HeartbeatReply reply)
    {
        Held? held = incarnation == _incarnation ? Find(reply.Asked) : null;
        _isRegistered &= reply.Verdict != HeartbeatVerdict.Unknown || incarnation != _incarnation;
        if (held is null || held.IsOver)
        {
            return;
        }

        held.Lease = reply.Lease;
        if (reply.Verdict is HeartbeatVerdict.Lost or HeartbeatVerdict.HandBack)
        {
            HandBack(held);
        }
    }

    public void OnCompleted(long incarnation, CompletionReply reply)
    {
        if (incarnation != _incarnation)
        {
            return;
        }

        if (reply.Verdict == CompletionVerdict.Unknown)
        {
            _isRegistered = false;
            return;
        }

        _held.RemoveAll(held => held.IsOver && held.Lease == reply.Lease);
    }

    public void OnHandedBack(long incarnation, LeaseNumber lease)
    {
        if (incarnation == _incarnation)
        {
            _held.RemoveAll(held => held.HandedBack && held.Lease == lease);
        }
    }

    /// <summary>SIGTERM: hands back, says good-bye, and comes back later as a new incarnation.</summary>
    public void Leave()
    {
        if (!World.HasFaults || !IsHere)
        {
            return;
        }

        foreach (Held held in _held.Where(held => !held.IsOver).ToList())
        {
            HandBack(held);
        }

        foreach (Held held in _held.Where(held => held.HandedBack))
        {
            SendHandBack(held);
        }

        (WorkerId id, long incarnation) = (_id, _incarnation);
        Send(World.Dispatcher, "good-bye", () => World.Dispatcher.OnLeft(id, incarnation));
        _isLeaving = true;
        World.Plan(this, 100 + World.Draw(1_500), "starts anew", () =>
        {
            Recover();
            Wake();
        });
    }

    public override void Recover()
    {
        _incarnation++;
        _held.Clear();
        _isRegistered = false;
        _isLeaving = false;
        _request = 1;
        _work++;
    }

    public override void Begin()
    {
    }

    public override void Commit()
    {
    }

    public override void Wake()
    {
        base.Wake();
        if (!IsHere)
        {
            return;
        }

        long incarnation = _incarnation;
        if (!_isRegistered)
        {
            WorkerCapabilities offer = new(
                _id, incarnation, "cpu", 10, 1e9, _fingerprint, World.Faults.Slots, HasStore: _number == 0 && World.Faults.HasStore, OuterOnly: _number == 2 && World.Faults.HasOuterOnly);
            Send(World.Dispatcher, "registration", () => World.Dispatcher.OnRegistered(this, offer));
        }

        foreach (Held held in _held)
        {
            if (!held.IsOver)
            {
                Heartbeat beat = new(_id, incarnation, held.Lease, held.Demand.Key, (double)DoneSteps(held) / held.Steps, TimeSpan.FromMilliseconds(held.StartedAt < 0 ? 0 : World.Now - held.StartedAt));
                Send(World.Dispatcher, "heartbeat", () => World.Dispatcher.OnHeartbeat(this, beat));
            }
        }
    }

    public override void SendOutstanding()
    {
        if (!IsHere)
        {
            return;
        }

        foreach (Held held in _held)
        {
            if (held.HandedBack)
            {
                SendOnce(held, 1, World.Dispatcher, "hand-back", HandBackMessage(held));
            }
            else if (held.Completion is { } completion)
            {
                bool isDamaged = held.IsDamaged;
                SendOnce(held, 0, World.Dispatcher, "result", () => World.Dispatcher.OnCompleted(this, completion, isDamaged));
            }
        }

        if (_isRegistered && _held.Count < World.Faults.Slots)
        {
            LeaseRequest request = new(_id, _incarnation, _request, [.. _held.Select(held => held.Demand.Inputs[0].Blob)]);
            SendOnce(this, (int)_request, World.Dispatcher, "request", () => World.Dispatcher.OnRequested(this, request));
        }

        WakeWithin(200);
    }

    private Held? Find(LeaseNumber lease) => _held.Find(held => held.Lease == lease);

    /// <summary>Starts the next task, if none is under way.</summary>
    private void Compute()
    {
        if (_held.Find(each => !each.IsOver) is not { StartedAt: < 0 } held)
        {
            return;
        }

        if (held.Continuation is { } continuation && continuation.State["inner"] != Arithmetic.Inner(held.Demand.Key, continuation.DoneSteps, _fingerprint))
        {
            throw new SimulationException($"Worker {_number} was given an inner state that is not of this arithmetic.");
        }

        held.StartedAt = World.Now;
        held.FirstStep = held.Continuation?.DoneSteps ?? 0;
        long left = held.Steps - held.FirstStep;
        long steps = held.Share < 1 ? Math.Max(1, (long)(held.Share * left)) : left;
        if (_number == 1 && World.HasFaults && World.Chance(World.Faults.Hang))
        {
            World.Seen.Hangs++;
            return;
        }

        int work = _work;
        World.Plan(this, (int)steps * _stepMilliseconds, steps < left ? "has done its share" : "has computed", () => End(held, work, isWhole: steps == left));
    }

    private void End(Held held, int work, bool isWhole)
    {
        if (held.IsOver || work != _work || !IsHere)
        {
            return;
        }

        if (!isWhole)
        {
            HandBack(held);
            return;
        }

        if (World.HasFaults && World.Chance(World.Faults.Fail))
        {
            _held.Remove(held);
            Send(World.Dispatcher, "failed", () => World.Dispatcher.OnFailed(_id, held.Lease, held.Demand.Key));
            Compute();
            return;
        }

        held.IsDamaged = _number == 0 && World.HasFaults && World.Chance(World.Faults.Damage);
        ImmutableArray<string> names = held.Demand.Kind == "outer"
            ? OuterNames
            : held.Demand.Kind == "fold" ? FoldNames : [.. World.Faults.Setting.ModulesOf(new PathId(held.Demand.Owner.Name[^1] - '0')).Select(module => module.Name), "optimizer"];
        string arithmetic = held.IsDamaged ? $"damaged {World.Draw(2)}" : _fingerprint;
        held.Completion = new Completion(
            _id, _incarnation, held.Lease, held.Demand.Key, Arithmetic.Outputs(held.Demand, names, arithmetic), Arithmetic.Metrics(held.Demand.Key), _fingerprint,
            TimeSpan.FromMilliseconds(World.Now - held.StartedAt));
        Compute();
    }

    private void HandBack(Held held)
    {
        long done = DoneSteps(held);
        held.Handed = held.Demand.Divisible && done * 5 >= held.Steps
            ? new Continuation(done, held.Steps, ImmutableSortedDictionary<string, BlobHash>.Empty.Add("inner", Arithmetic.Inner(held.Demand.Key, done, _fingerprint)), _fingerprint)
            : null;
        held.HandedBack = true;
        Compute();
    }

    private void SendHandBack(Held held) => Send(World.Dispatcher, "hand-back", HandBackMessage(held));

    private Action HandBackMessage(Held held)
    {
        (long incarnation, LeaseNumber lease, Continuation? continuation) = (_incarnation, held.Lease, held.Handed);
        return () => World.Dispatcher.OnHandedBack(this, _id, incarnation, lease, held.Demand.Key, continuation);
    }

    private long DoneSteps(Held held) => held.StartedAt < 0
        ? held.Continuation?.DoneSteps ?? 0
        : Math.Min(held.Steps, held.FirstStep + ((World.Now - held.StartedAt) / _stepMilliseconds));

    /// <summary>A task that the worker holds: computing or waiting for its turn, then on its way back.</summary>
    private sealed class Held(TaskDemand demand, LeaseNumber lease, Continuation? continuation, double share)
    {
        public TaskDemand Demand { get; } = demand;

        public LeaseNumber Lease { get; set; } = lease;

        public Continuation? Continuation { get; } = continuation;

        public double Share { get; } = share;

        public long Steps { get; } = demand.Kind is "outer" or "fold" ? 2 : Setting.Steps;

        public long StartedAt { get; set; } = -1;

        public long FirstStep { get; set; }

        public Completion? Completion { get; set; }

        public bool IsDamaged { get; set; }

        public bool HandedBack { get; set; }

        public Continuation? Handed { get; set; }

        public bool IsOver => HandedBack || Completion is not null;
    }
}
