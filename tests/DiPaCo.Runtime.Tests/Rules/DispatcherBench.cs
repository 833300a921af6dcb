using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Rules;

/// <summary>A dispatcher and a clock that only moves when it is told to.</summary>
internal sealed class DispatcherBench(DispatcherOptions? options = null)
{
    public static readonly RunId Run = new("run");

    private readonly DispatcherRules _rules = new(options ?? new DispatcherOptions());
    private readonly Dictionary<string, long> _requests = [];
    private readonly Dictionary<string, long> _asked = [];

    public DispatcherRules Rules => _rules;

    public DispatcherState State { get; set; } = DispatcherState.Empty;

    public DateTimeOffset Now { get; private set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public void Pass(double seconds) => Now = Now.AddSeconds(seconds);

    public static TaskKey Key(string name) => new(BlobHash.Of(System.Text.Encoding.UTF8.GetBytes(name)).Hex);

    public static BlobHash Blob(string name) => BlobHash.Of(System.Text.Encoding.UTF8.GetBytes(name));

    public static TaskDemand Demand(string name, double flops = 1_000) => new(Key(name), "train", Run, new TaskOwner(name)) { Flops = flops, Divisible = true };

    public static ImmutableSortedDictionary<string, BlobHash> Outputs(string what) => ImmutableSortedDictionary<string, BlobHash>.Empty.Add("module", Blob(what));

    public SubmitVerdict Submit(TaskDemand demand)
    {
        (State, SubmitVerdict verdict) = DispatcherRules.Submit(State, demand, Now);
        return verdict;
    }

    public Registration Register(string worker, long incarnation = 1, long memory = 100, string fingerprint = "one", int slots = 1, bool hasStore = false, bool outerOnly = false)
    {
        WorkerCapabilities offer = new(new WorkerId(worker), incarnation, "cpu", memory, 1, fingerprint, slots, hasStore, outerOnly);
        (State, Registration reply) = _rules.Register(State, offer, Now);
        return reply;
    }

    public LeaseReply Ask(string worker, long? number = null, long incarnation = 1, params string[] cached)
    {
        _requests[worker] = number ?? (_requests.GetValueOrDefault(worker) + 1);
        (State, LeaseReply reply) = _rules.Lease(State, new LeaseRequest(new WorkerId(worker), incarnation, _requests[worker], [.. cached.Select(Blob)]), Now);
        return reply;
    }

    /// <summary>A worker that has come back asks, and tells of the tasks that it has kept a state of.</summary>
    public LeaseReply AskWith(string worker, long incarnation, params TaskKey[] kept)
    {
        _requests[worker] = incarnation == _asked.GetValueOrDefault(worker) ? _requests[worker] + 1 : 1;
        _asked[worker] = incarnation;
        (State, LeaseReply reply) = _rules.Lease(State, new LeaseRequest(new WorkerId(worker), incarnation, _requests[worker]) { Kept = [.. kept] }, Now);
        return reply;
    }

    /// <summary>The worker's last question, which has waited since then, is looked at again.</summary>
    public LeaseReply LookAgain(string worker, DateTimeOffset asked)
    {
        (State, LeaseReply reply) = _rules.Lease(State, new LeaseRequest(new WorkerId(worker), 1, _requests[worker], Asked: asked), Now);
        return reply;
    }

    public LeaseGrant Lease(string worker) => Ask(worker).Grant ?? throw new InvalidOperationException($"{worker} got nothing.");

    public HeartbeatReply Beat(string worker, LeaseGrant grant, double done = 0, double elapsed = 0, LeaseNumber? lease = null)
    {
        (State, HeartbeatReply reply) = _rules.Heartbeat(
            State, new Heartbeat(new WorkerId(worker), 1, lease ?? grant.Number, grant.Demand.Key, done, TimeSpan.FromSeconds(elapsed)), Now);
        return reply;
    }

    public static Completion Completion(string worker, LeaseGrant grant, string bytes = "good", string fingerprint = "one", double elapsed = 0) => new(
        new WorkerId(worker), 1, grant.Number, grant.Demand.Key, Outputs(bytes), "{}", fingerprint, TimeSpan.FromSeconds(elapsed));

    public CompletionReply Complete(string worker, LeaseGrant grant, string bytes = "good", string fingerprint = "one", double elapsed = 0)
    {
        (State, CompletionReply reply) = _rules.Complete(State, Completion(worker, grant, bytes, fingerprint, elapsed), Now);
        return reply;
    }

    public CompletionReply Refuse(string worker, LeaseGrant grant, string bytes, RefusalKind kind = RefusalKind.Invalid)
    {
        (State, CompletionReply reply) = _rules.Refuse(State, Completion(worker, grant, bytes), kind, $"{bytes} is not finite.", Now);
        return reply;
    }

    public void Fail(string worker, LeaseGrant grant, string reason = "The disk is full.", FailureKind kind = FailureKind.Unexplained) =>
        State = _rules.Fail(State, new WorkerId(worker), grant.Number, grant.Demand.Key, reason, kind, Now);

    public void HandBack(string worker, LeaseGrant grant, long done, string fingerprint = "one") => State = DispatcherRules.HandBack(
        State, new WorkerId(worker), grant.Number, grant.Demand.Key, done == 0 ? null : new Continuation(done, 10, Outputs($"inner {done}"), fingerprint), Now);

    public void Tick() => State = _rules.Tick(State, Now);

    public long Stand(long number, RunDemand demand)
    {
        (State, long heard) = DispatcherRules.Stand(State, Run, number, demand, Now);
        return heard;
    }

    public void Acknowledge(TaskSettled settled) => State = DispatcherRules.Acknowledge(State, settled.Key, new TaskClaim(settled.Run, settled.Owner), settled.SettledBy, Now);

    public TaskSettled[] Told => [.. DispatcherRules.Outstanding(State)];

    public WorkerEntry Worker(string name) => State.Workers[new WorkerId(name)];

    /// <summary>Has a worker complete a task in a given time, so that its rate is known.</summary>
    public void Measure(string worker, string task, double seconds)
    {
        Submit(Demand(task));
        LeaseGrant grant = Lease(worker);
        Pass(seconds);
        Complete(worker, grant);
        Acknowledge(Told.Single(settled => settled.Key == grant.Demand.Key));
    }
}
