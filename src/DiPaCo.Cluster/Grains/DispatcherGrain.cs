using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;
using Orleans.Concurrency;

namespace DiPaCo.Cluster;

/// <summary>
/// The dispatcher: a thin shell around <see cref="DispatcherRules"/> that lets callers wait. Every call runs to its first wait without another in
/// between, so the state needs no lock. It is not persisted: see <see cref="DispatcherState"/>.
/// </summary>
[Reentrant]
internal sealed class DispatcherGrain : Grain, IDispatcherGrain
{
    // A question that waits longer than Orleans or a proxy on the way would be taken for dead.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TickEvery = TimeSpan.FromSeconds(0.25);

    private const int LeasesPerStart = 40;

    // Workers that are asked at once when something has happened; the others' turn comes with the next ticks.
    private const int AskedAtOnce = 64;

    private readonly IPersistentState<DispatcherMemory> _memory;
    private readonly SiloOptions _options;
    private readonly ResultGuard _guard;
    private readonly TimeProvider _time;
    private readonly DispatcherRules _rules;
    private readonly LeaseWaiters _waiters;
    private readonly Dictionary<TaskKey, TaskRecord> _records = [];
    private readonly Dictionary<(TaskKey Task, BlobHash Result), Task<GuardFinding>> _looks = [];
    private readonly DeltaNorms _norms;
    private readonly WorkerSpeeds _speeds = new();
    private DispatcherState _state = DispatcherState.Empty;

    /// <summary>Makes the grain.</summary>
    /// <param name="memory">What survives.</param>
    /// <param name="options">The length of leases, and what is believed.</param>
    /// <param name="guard">Looks at results.</param>
    /// <param name="time">The time.</param>
    public DispatcherGrain([PersistentState("dispatcher")] IPersistentState<DispatcherMemory> memory, SiloOptions options, ResultGuard guard, TimeProvider time)
    {
        (_memory, _options, _guard, _time) = (memory, options, guard, time);
        _rules = new DispatcherRules(new DispatcherOptions { MinimumLease = options.Lease });
        _norms = new DeltaNorms(options.MaximumNormRatio);
        _waiters = new LeaseWaiters(Answer, request => _state.OuterWorkers.Contains(request.Worker));
    }

    private DateTimeOffset Now => _time.GetUtcNow();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _memory.State.Starts++;
        await _memory.WriteStateAsync(cancellationToken);
        _state = DispatcherState.StartingAfter(new LeaseNumber(_memory.State.Starts << LeasesPerStart));
        this.RegisterGrainTimer(
            _ =>
            {
                Become(_rules.Tick(_state, Now));
                AskSome();
                return Task.CompletedTask;
            },
            new GrainTimerCreationOptions(TickEvery, TickEvery) { Interleave = true, KeepAlive = true });
    }

    public Task<Greeting> GreetAsync()
    {
        double[] rates = [.. _state.Workers.Values.Where(worker => !worker.Capabilities.OuterOnly).Select(worker => worker.Capabilities.FlopsPerSecond).Where(rate => rate > 0).Order()];
        long largest = _records.Values.Select(record => record.Order.MemoryBytes).Append(_options.LargestTaskBytes).Max();
        return Task.FromResult(new Greeting(WorkerVersion.Text, Now, largest, rates.Length > 0 ? rates[rates.Length / 2] : 0));
    }

    public Task RegisterAsync(WorkerOffer offer)
    {
        if (offer.Version != WorkerVersion.Text)
        {
            throw new LinkException($"The silo has version '{WorkerVersion.Text}' and this worker '{offer.Version}'; use the same on all machines.", isFinal: true);
        }

        WorkerCapabilities capabilities = new(
            new WorkerId(offer.Worker), offer.Incarnation, offer.Device, offer.MemoryBytes, offer.FlopsPerSecond, offer.Fingerprint, offer.Slots, offer.HasStore,
            offer.OuterOnly);
        (DispatcherState state, Runtime.Rules.Registration reply) = _rules.Register(_state, capabilities, Now);
        Become(state);
        return reply.IsCurrent
            ? Task.CompletedTask
            : throw new LinkException($"A worker named '{offer.Worker}' has joined later than this one; give one of them another name (--name).", isFinal: true);
    }

    public async Task<LeaseOutcome> LeaseAsync(LeaseQuestion question, CancellationToken cancellationToken)
    {
        LeaseRequest request = new(new WorkerId(question.Worker), question.Incarnation, question.Number, [.. question.Cached.Select(BlobHash.Parse)], Now)
        {
            Kept = [.. question.Kept.Select(key => new TaskKey(key))],
        };
        LeaseReply reply = await _waiters.AnswerAsync(request, Patience, _time, cancellationToken);

        // Of a grant that was withdrawn before this came to be told there is no record any more.
        LeaseGrant? grant = reply.Grant is { } given && _records.ContainsKey(given.Demand.Key) ? reply.Grant : null;
        return new LeaseOutcome(
            grant is null ? null : new LeasedTask(
                grant.Number.Value, grant.Demand.Run.Name, grant.Demand.Key.Hex, grant.Demand.Kind, _records[grant.Demand.Key].Order.Spec,
                grant.HeartbeatEvery, grant.Expected ?? TimeSpan.Zero, grant.Continuation is { } state ? HandOver.Of(state) : null, grant.Share),
            reply.Wait?.Text ?? "", reply.IsUnknown);
    }

    public Task<HeartbeatOutcome> HeartbeatAsync(HeartbeatNote note)
    {
        TaskKey key = new(note.Key);
        (DispatcherState state, HeartbeatReply reply) = _rules.Heartbeat(
            _state, new Heartbeat(new WorkerId(note.Worker), note.Incarnation, new LeaseNumber(note.Lease), key, note.DoneFraction, note.Elapsed), Now);
        _state = state;
        if (note.Progress.Steps.Length > 0 && _records.TryGetValue(key, out TaskRecord? record))
        {
            record.Add(note.Progress);
            record.Change();
            _speeds.Add(new WorkerId(note.Worker), note.Progress, Now);
        }

        return Task.FromResult(new HeartbeatOutcome(reply.Lease.Value, reply.Verdict, reply.Reason ?? ""));
    }

    public async Task<DeliveryOutcome> CompleteAsync(string worker, long incarnation, long lease, string key, TaskDelivery delivery)
    {
        WorkerId id = new(worker);
        if (!_state.Workers.TryGetValue(id, out WorkerEntry? known) || known.Capabilities.Incarnation != incarnation)
        {
            return new DeliveryOutcome(CompletionVerdict.Unknown, "The dispatcher does not know this worker.");
        }

        Completion completion = new(
            id, incarnation, new LeaseNumber(lease), new TaskKey(key),
            delivery.Outputs.ToImmutableSortedDictionary(output => output.Key, output => BlobHash.Parse(output.Value), StringComparer.Ordinal),
            delivery.Metrics, known.Capabilities.Fingerprint, delivery.Elapsed);
        TaskSpec? spec = SpecOf(completion, known.Capabilities);
        GuardFinding finding = spec is null ? GuardFinding.Nothing : await LookAsync(completion, spec);

        // The rules look at the state as it is now, after the look at the blobs.
        (DispatcherState state, CompletionReply reply) = Judge(completion, spec as TrainSpec, finding);
        if (_records.TryGetValue(completion.Key, out TaskRecord? record))
        {
            record.Add(delivery.Progress);
            record.Change();
            if (reply.Verdict == CompletionVerdict.Taken && spec is TrainSpec trained)
            {
                _norms.Add(record.Order.Run, trained, finding.Norms);
            }
        }

        Become(state, reply.Verdict == CompletionVerdict.Taken ? completion.Key : null);
        return new DeliveryOutcome(reply.Verdict, reply.Reason ?? "");
    }

    public Task GiveBackAsync(string worker, long incarnation, long lease, string key, GivenBack reason)
    {
        WorkerId id = new(worker);
        TaskKey task = new(key);
        LeaseNumber number = new(lease);
        _records.TryGetValue(task, out TaskRecord? record);
        record?.Add(reason.Progress ?? StepBatch.None);
        record?.Change();

        Continuation? state = _state.Workers.TryGetValue(id, out WorkerEntry? known) ? reason.State?.ToContinuation(known.Capabilities.Fingerprint) : null;
        Become(reason.Reason == GiveBackReason.Leaving
            ? DispatcherRules.HandBack(_state, id, number, task, state, Now)
            : _rules.Fail(_state, id, number, task, reason.Message, KindOf(reason.Reason), Now), task);
        if (record is not null && reason.Reason is GiveBackReason.NonFinite or GiveBackReason.Impossible && _state.Tasks.TryGetValue(task, out TaskEntry? entry) && entry.GaveUp is not null)
        {
            record.Impossible ??= reason;
        }

        return Task.CompletedTask;
    }

    public Task LeaveAsync(string worker, long incarnation)
    {
        Become(DispatcherRules.Leave(_state, new WorkerId(worker), incarnation, Now));
        return Task.CompletedTask;
    }

    public Task<SubmitVerdict> OrderAsync(TaskOrder order)
    {
        TaskKey key = new(order.Key);
        TaskDemand demand = new(key, order.Kind, new RunId(order.Run), Recipe)
        {
            Inputs = [.. order.Inputs.Select(input => new TaskInput(BlobHash.Parse(input), 1))],
            MemoryBytes = order.MemoryBytes,
            Flops = order.Flops,
            Priority = order.Priority,
            Fingerprint = order.Fingerprint.Length > 0 ? order.Fingerprint : null,
            Divisible = order.Divisible,
            Beside = order.Beside,
        };
        (DispatcherState state, SubmitVerdict verdict) = DispatcherRules.Submit(_state, demand, Now);
        if (verdict == SubmitVerdict.Accepted)
        {
            _records.TryAdd(key, new TaskRecord(order));
        }

        Become(state, key);
        return Task.FromResult(verdict);
    }

    public async Task<TaskNews> WatchAsync(string key, long nextStep, int failures)
    {
        TaskKey task = new(key);
        long begun = _time.GetTimestamp();
        while (_records.TryGetValue(task, out TaskRecord? record) && !_state.Tasks[task].IsSettled && record.NextStep <= nextStep
            && _state.Tasks[task].Failures.Length <= failures && Patience - _time.GetElapsedTime(begun) is var left && left > TimeSpan.Zero)
        {
            await record.Changed.WaitAsync(left, _time).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }

        if (!_records.TryGetValue(task, out TaskRecord? found))
        {
            return new TaskNews(false, StepBatch.None, null, null, 0);
        }

        TaskEntry entry = _state.Tasks[task];
        TaskDelivery? delivery = entry.Outcome is not { } outcome ? null : new TaskDelivery(
            outcome.Outputs.ToImmutableSortedDictionary(output => output.Key, output => output.Value.Hex, StringComparer.Ordinal), outcome.Metrics, TimeSpan.Zero, StepBatch.None);
        GivenBack? failure = entry.GaveUp is not { } reason ? null : found.Impossible ?? new GivenBack(GiveBackReason.Failed, reason);
        return new TaskNews(true, found.StepsFrom(nextStep), delivery, failure, entry.Failures.Length, entry.Outcome?.Worker.Name ?? "", entry.Outcome?.Fingerprint ?? "");
    }

    public Task ForgetAsync(string run, string key)
    {
        TaskKey task = new(key);
        Become(DispatcherRules.Withdraw(_state, task, new TaskClaim(new RunId(run), Recipe), Now), task);
        return Task.CompletedTask;
    }

    public Task StandAsync(string run, long number, RunDemand demand)
    {
        (DispatcherState state, long _) = DispatcherRules.Stand(_state, new RunId(run), number, demand, Now);
        Become(state);
        return Task.CompletedTask;
    }

    public Task<NumericsChoice?> NumericsAsync(ComputeType compute) => Task.FromResult(_state.Workers.Values
        .Where(worker => worker.Quarantine is null && !worker.Capabilities.OuterOnly && worker.Capabilities.Fingerprint.Length > 0 && Now - worker.LastHeard <= 2 * _options.Lease)
        .GroupBy(worker => (Fingerprint: NumericsFingerprint.For(worker.Capabilities.Fingerprint, compute), Device: worker.Capabilities.Device.StartsWith("cuda", StringComparison.Ordinal) ? "cuda" : "cpu"))
        .OrderByDescending(group => group.Count()).ThenBy(group => group.Key.Fingerprint, StringComparer.Ordinal)
        .Select(group => new NumericsChoice(group.Key.Fingerprint, group.Key.Device))
        .FirstOrDefault());

    public Task<ClusterStatus> StatusAsync()
    {
        DispatcherStatus status = _rules.Status(_state, Now);
        return Task.FromResult(new ClusterStatus(
            [.. status.Workers.Select(worker => new WorkerStatus(
                worker.Worker.Name, worker.Device, worker.State, worker.Since, worker.Completed, worker.Failed, worker.Refused, worker.IsSlow,
                worker.Fingerprint, _speeds.Of(worker.Worker, Now - (2 * _options.Lease))))],
            [.. status.Tasks.Select(task => new TaskStatusLine(task.Run.Name, task.Key.Hex, task.Kind, task.WaitsOn.Text, task.WaitsOn.Since, task.Attempts, task.LastFailure,
                task.WaitsOn.Cause == WaitCause.NoWorker, _records.TryGetValue(task.Key, out TaskRecord? record) ? record.What : ""))]));
    }

    private static FailureKind KindOf(GiveBackReason reason) => reason switch
    {
        GiveBackReason.NonFinite or GiveBackReason.Impossible => FailureKind.Permanent,
        GiveBackReason.Unexpected => FailureKind.Unexplained,
        _ => FailureKind.Passing,
    };

    /// <summary>Tasks of the recipe itself, which no path and no module waits for.</summary>
    private static TaskOwner Recipe { get; } = new("recipe");

    /// <summary>The task that a delivery may settle, where the guard looks at it; null: it does not, or it settles none. Outer steps that this process has made itself, beside the store, need not be read again while paths wait for them.</summary>
    private TaskSpec? SpecOf(Completion completion, WorkerCapabilities worker) =>
        _records.TryGetValue(completion.Key, out TaskRecord? record) && !_state.Tasks[completion.Key].IsSettled
        && (record.Spec is TrainSpec || !worker.HasStore) ? record.Spec : null;

    /// <summary>Reading takes long and is not the grain's work. A worker that asks again meanwhile waits for the same look.</summary>
    private async Task<GuardFinding> LookAsync(Completion completion, TaskSpec spec)
    {
        (TaskKey, BlobHash) key = (completion.Key, TaskOutcome.DigestOf(completion.Outputs, completion.Metrics));
        if (!_looks.TryGetValue(key, out Task<GuardFinding>? look))
        {
            _looks[key] = look = Task.Run(() => _guard.LookAsync(spec, completion.Outputs, completion.Metrics, CancellationToken.None));
        }

        try
        {
            return await look;
        }
        finally
        {
            _looks.Remove(key);
        }
    }

    private (DispatcherState State, CompletionReply Reply) Judge(Completion completion, TrainSpec? spec, GuardFinding finding)
    {
        if (finding.Unreadable is { } unreadable)
        {
            DispatcherState failed = _rules.Fail(_state, completion.Worker, completion.Lease, completion.Key, unreadable, FailureKind.Passing, Now);
            return (failed, new CompletionReply(completion.Lease, CompletionVerdict.Refused, unreadable));
        }

        if (finding.Invalid is { } invalid)
        {
            return _rules.Refuse(_state, completion, RefusalKind.Invalid, invalid, Now);
        }

        // Where nobody else can be asked, a second opinion is not to be had: a run of one worker must not stop over a large step.
        string? unlikely = spec is not null && _records.TryGetValue(completion.Key, out TaskRecord? record)
            ? _norms.ObjectionTo(record.Order.Run, spec, finding.Norms) : null;
        return unlikely is not null && _rules.HasOther(_state, completion.Worker, completion.Key, Now)
            ? _rules.Refuse(_state, completion, RefusalKind.Unlikely, unlikely, Now)
            : _rules.Complete(_state, completion, Now);
    }

    /// <summary>Asks the rules for a task. A question that changes nothing for others wakes nobody.</summary>
    private (LeaseReply Reply, bool IsAnswer) Answer(LeaseRequest request)
    {
        (DispatcherState state, LeaseReply reply) = _rules.Lease(_state, request, Now);
        if (reply.Grant is { } grant)
        {
            Become(state, grant.Demand.Key);
        }
        else
        {
            _state = state;
        }

        return (reply, reply.Grant is not null || reply.IsUnknown || reply.Wait?.Cause is WaitCause.Quarantined or WaitCause.Stale);
    }

    /// <summary>So many that each waiting worker is asked, and so heard of, several times within a lease.</summary>
    private void AskSome() => _waiters.Ask(Math.Max(AskedAtOnce, (int)Math.Ceiling(_waiters.Count * 4 * (TickEvery / _options.Lease))), _ => false);

    /// <summary>Takes on a state, and wakes whom it concerns.</summary>
    /// <param name="state">The state.</param>
    /// <param name="only">The only task that may be another now; null: any may.</param>
    private void Become(DispatcherState state, TaskKey? only = null)
    {
        DispatcherState before = _state;
        _state = state;
        if (!ReferenceEquals(before.Tasks, state.Tasks))
        {
            TaskKey[] changed = only is { } key ? [key]
                : [.. _records.Keys.Where(known => !ReferenceEquals(before.Tasks.GetValueOrDefault(known), state.Tasks.GetValueOrDefault(known)))];
            foreach (TaskKey task in changed)
            {
                if (_records.TryGetValue(task, out TaskRecord? record))
                {
                    record.Change();
                    if (!state.Tasks.ContainsKey(task))
                    {
                        _records.Remove(task);
                    }
                }
            }
        }

        if (!ReferenceEquals(before, state))
        {
            // What is left to those for outer steps the others need not be asked about; should it come to them after all, the next tick asks them.
            _waiters.Ask(AskedAtOnce, isFirst => _state.Waiting.IsEmpty
                || (!isFirst && !_state.OuterWorkers.IsEmpty && _state.Waiting.Count == _state.WaitingBeside.Count));
        }
    }
}
