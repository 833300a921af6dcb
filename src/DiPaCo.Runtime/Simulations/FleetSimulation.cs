using System.Collections.Immutable;
using DiPaCo.Core.Configuration;
using DiPaCo.Core;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Simulations;

/// <summary>
/// A run on a fleet in virtual time. Run, paths, modules and dispatcher decide by the same rules as in earnest; only workers, connections and
/// time are made up. Pure: the same simulation gives the same result.
/// </summary>
internal sealed class FleetSimulation
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3_650);

    private readonly Simulation _simulation;
    private readonly SimulationTasks _costs;
    private readonly DispatcherRules _rules;
    private readonly DispatcherOptions _options;
    private readonly SegmentParties _parties;
    private readonly RunId _run;
    private readonly ImmutableArray<SimulatedWorker> _workers;
    private readonly Dictionary<TaskKey, SimulatedTask> _tasks = [];
    private readonly Queue<SimulatedWorker> _waking = new();
    private readonly HashSet<SimulatedWorker> _isWaking = [];
    private readonly Dictionary<ModuleId, TimeSpan> _contributed = [];
    private readonly List<double> _outerSeconds = [];
    private readonly List<TimeSpan> _phaseEnds = [];
    private DispatcherState _state = DispatcherState.Empty;
    private double _computed;
    private double _useful;

    private FleetSimulation(Simulation simulation, int workers)
    {
        _simulation = simulation;
        _costs = new SimulationTasks(simulation);
        _options = new DispatcherOptions
        {
            MinimumLease = TimeSpan.FromSeconds(simulation.Silo.LeaseSeconds),
            MaximumLease = TimeSpan.FromSeconds(Math.Max(120, 4 * simulation.Silo.LeaseSeconds)),
            ForgetWorkers = TimeSpan.FromDays(2),
        };
        _rules = new DispatcherRules(_options);
        _run = new RunId(simulation.Name);
        StoreOut = new SimulatedLink(simulation.Silo.Megabits);
        StoreIn = new SimulatedLink(simulation.Silo.Megabits);
        ThrowIfNobodyFits();
        Segment segment = new(new Phase(0), new Phase(simulation.Phases));
        (ImmutableSortedDictionary<PathId, PathOrder> paths, ImmutableSortedDictionary<ModuleId, ModuleOrder> modules) = _costs.Orders(segment);
        _parties = new SegmentParties(_run, segment, paths, modules, Clock);
        _workers =
        [
            .. Enumerable.Range(0, simulation.Silo.Workers).Select(number => SimulatedWorker.Local(this, number, simulation)),
            .. Enumerable.Range(0, workers).Select(number => SimulatedWorker.Remote(this, number, simulation)),
        ];
    }

    public VirtualClock Clock { get; } = new();

    /// <summary>From the store to workers.</summary>
    public SimulatedLink StoreOut { get; }

    /// <summary>From workers to the store.</summary>
    public SimulatedLink StoreIn { get; }

    /// <summary>Sudden ends of workers.</summary>
    public int Failures { get; set; }

    /// <summary>States in the middle of a task that were handed over.</summary>
    public int HandOvers { get; set; }

    public TimeSpan HeartbeatEvery => _options.HeartbeatEvery;

    /// <summary>Simulates the phases on a number of workers.</summary>
    /// <exception cref="DiPaCoException">No worker has enough memory, or the phases do not end in ten years.</exception>
    public static FleetResult Run(Simulation simulation, int workers, CancellationToken cancellationToken)
    {
        FleetSimulation fleet = new(simulation, workers);
        fleet.Run(cancellationToken);
        return fleet.Result(workers);
    }

    public SimulatedTask TaskOf(TaskKey key) => _tasks[key];

    public void Register(WorkerCapabilities offer) => (_state, _) = _rules.Register(_state, offer, Clock.Now);

    public void LeaveCluster(WorkerId worker, long incarnation) => _state = DispatcherRules.Leave(_state, worker, incarnation, Clock.Now);

    /// <summary>A task for a worker; null: none now.</summary>
    public LeaseGrant? Lease(LeaseRequest request)
    {
        (_state, LeaseReply reply) = _rules.Lease(_state, request, Clock.Now);
        return reply.Grant;
    }

    public HeartbeatReply Heartbeat(Heartbeat beat)
    {
        (_state, HeartbeatReply reply) = _rules.Heartbeat(_state, beat, Clock.Now);
        return reply;
    }

    public void HandBack(WorkerId worker, SimulatedJob job, Continuation? continuation)
    {
        _state = DispatcherRules.HandBack(_state, worker, job.Lease, job.Task.Demand.Key, continuation, Clock.Now);
        WakeAll();
    }

    public void Complete(WorkerId worker, long incarnation, SimulatedJob job)
    {
        Completion completion = new(
            worker, incarnation, job.Lease, job.Task.Demand.Key, job.Task.Blobs, "{}", SimulationNames.Fingerprint, TimeSpan.FromSeconds(job.Seconds));
        (_state, CompletionReply reply) = _rules.Complete(_state, completion, Clock.Now);
        double part = job.Last - job.First;
        Computed(job.Task, reply.Verdict == CompletionVerdict.Taken ? part : 0, part);
        TellOwners();
        WakeAll();
    }

    /// <summary>Notes what was computed of a task.</summary>
    /// <param name="task">The task.</param>
    /// <param name="useful">Part of it that counts.</param>
    /// <param name="all">Part of it that was computed.</param>
    public void Computed(SimulatedTask task, double useful, double all)
    {
        if (task.Demand.Divisible)
        {
            _useful += useful * task.Demand.Flops;
            _computed += all * task.Demand.Flops;
        }
    }

    /// <summary>A worker may have room for a task.</summary>
    public void Wake(SimulatedWorker worker)
    {
        if (worker.HasRoom && _isWaking.Add(worker))
        {
            _waking.Enqueue(worker);
        }
    }

    /// <summary>There may be a task for somebody.</summary>
    public void WakeAll()
    {
        foreach (SimulatedWorker worker in _workers)
        {
            Wake(worker);
        }
    }

    private void Run(CancellationToken cancellationToken)
    {
        SubmitNeeded();
        foreach (SimulatedWorker worker in _workers)
        {
            worker.Start();
        }

        Tick();
        while (_parties.Run.Stage != RunStage.BetweenSegments)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_parties.Run.Failure is { } failure)
            {
                throw new DiPaCoException($"The simulated run failed: {failure}");
            }

            if (Clock.Elapsed > Longest)
            {
                throw new DiPaCoException($"The phases of '{_simulation.Name}' have not ended after ten years: workers are away too often for a task to be finished, or too few.");
            }

            AskForTasks();
            Clock.Step();
        }

        foreach (SimulatedWorker worker in _workers)
        {
            worker.Account();
        }
    }

    /// <summary>Those who have room ask, until there is nothing for the next one.</summary>
    private void AskForTasks()
    {
        while (_waking.TryDequeue(out SimulatedWorker? worker))
        {
            _isWaking.Remove(worker);
            if (worker.Ask())
            {
                Wake(worker);
            }
        }
    }

    private void Tick()
    {
        _state = _rules.Tick(_state, Clock.Now);
        WakeAll();
        Clock.After(HeartbeatEvery, Tick);
    }

    private void TellOwners()
    {
        foreach (TaskSettled settled in DispatcherRules.Outstanding(_state).ToArray())
        {
            if (settled.GaveUp is { } reason)
            {
                throw new DiPaCoException(reason);
            }

            _state = DispatcherRules.Acknowledge(_state, settled.Key, new TaskClaim(settled.Run, settled.Owner), settled.SettledBy, Clock.Now);
            _tasks[settled.Key].Done();
        }

        while (_phaseEnds.Count < _parties.Run.Ledger.Length)
        {
            _phaseEnds.Add(Clock.Elapsed);
        }

        SubmitNeeded();
    }

    private void SubmitNeeded()
    {
        foreach (NeededTraining needed in _parties.Trainings.ToArray())
        {
            PathId path = needed.Path;
            SimulatedTask task = _costs.Of(needed, _run, (key, blobs) =>
            {
                ImmutableSortedDictionary<ModuleId, BlobHash> modules =
                    _costs.Topology.ModulesOf(path).ToImmutableSortedDictionary(module => module.Id, module => blobs[module.Id.Name]);
                foreach (ModuleId module in modules.Keys)
                {
                    _contributed[module] = Clock.Elapsed;
                }

                _parties.Trained(path, key, new TrainedPhase(modules, blobs["optimizer"], 0, 0, SimulationNames.Fingerprint));
            });
            _parties.Start(needed, task.Demand.Key);
            Submit(task);
        }

        foreach (NeededFold needed in _parties.Folds.ToArray())
        {
            ModuleId module = needed.Start.Module;
            SimulatedTask task = _costs.Of(needed, _run, (key, blobs) => _parties.Folded(module, key, blobs[FoldSpec.SumsOutput]));
            _parties.Start(needed, task.Demand.Key);
            Submit(task);
        }

        foreach (NeededOuterStep needed in _parties.OuterSteps.ToArray())
        {
            ModuleId module = needed.Start.Module;
            SimulatedTask task = _costs.Of(needed, _run, (key, blobs) =>
            {
                if (needed.Contributions.Length > 1)
                {
                    _outerSeconds.Add((Clock.Elapsed - _contributed[module]).TotalSeconds);
                }

                _parties.Stepped(module, key, blobs["module"], blobs["momentum"], _costs.PublishedOf(needed, blobs));
            });
            _parties.Start(needed, task.Demand.Key);
            Submit(task);
        }
    }

    private void Submit(SimulatedTask task)
    {
        _tasks[task.Demand.Key] = task;
        (_state, _) = DispatcherRules.Submit(_state, task.Demand, Clock.Now);
    }

    private void ThrowIfNobodyFits()
    {
        double most = Math.Max(_simulation.Worker.MemoryGigabytes, _simulation.Silo.Workers > 0 ? _simulation.Silo.MemoryGigabytes : 0) * 1e9;
        if (_costs.PathMemory > most)
        {
            throw new DiPaCoException(FormattableString.Invariant(
                $"Training a path of '{_simulation.Run.Config.Name}' needs {_costs.PathMemory / 1e9:0.0} GB, but no simulated worker has more than {most / 1e9:0.0} GB. Raise worker.memory_gigabytes, or lower recipe.micro_batch_sequences of the run."));
        }
    }

    private FleetResult Result(int workers)
    {
        TimeSpan elapsed = Clock.Elapsed;
        SimulatedWorker[] remote = [.. _workers.Skip(_simulation.Silo.Workers)];
        double online = remote.Sum(worker => (elapsed - worker.Times.Away).TotalSeconds);
        double Share(Func<WorkerTimes, TimeSpan> of) => online > 0 ? remote.Sum(worker => of(worker.Times).TotalSeconds) / online : 0;
        FleetResult result = new()
        {
            Workers = workers,
            Phases = _simulation.Phases,
            Seconds = elapsed.TotalSeconds,
            PhaseSeconds = [.. _phaseEnds.Select((end, phase) => (end - (phase > 0 ? _phaseEnds[phase - 1] : TimeSpan.Zero)).TotalSeconds)],
            Computing = Share(times => times.Computing),
            WaitingForInputs = Share(times => times.Downloading),
            WaitingForOutputs = Share(times => times.Uploading),
            WithoutTask = Share(times => times.Idle),
            Online = online / (elapsed.TotalSeconds * workers),
            BytesDown = StoreOut.Bytes,
            BytesUp = StoreIn.Bytes,
            StoreBusy = Math.Max(StoreOut.Busy.TotalSeconds, StoreIn.Busy.TotalSeconds) / elapsed.TotalSeconds,
            UsefulFlops = _useful,
            RedoneFlops = Math.Max(0, _computed - _useful),
            OuterStepSeconds = _outerSeconds.Count > 0 ? _outerSeconds.Average() : 0,
            Failures = Failures,
            HandOvers = HandOvers,
            LostSteps = _parties.Run.Ledger.Sum(phase => phase.LostSteps),
            DuplicatedSteps = _parties.Run.Ledger.Sum(phase => phase.DuplicatedSteps),
            Synchronous = SynchronousEstimate.Of(_simulation, _costs, [.. remote.Select(worker => worker.FlopsPerSecond)]),
        };
        return result with { Bottleneck = BottleneckOf(result) };
    }

    private string BottleneckOf(FleetResult result)
    {
        int paths = _costs.Topology.Paths.Length;
        (double Share, string Text)[] causes =
        [
            (result.Computing, "computing"),
            (result.WaitingForInputs, result.StoreBusy > 0.8 ? "the store's connection" : "inputs on their way to workers"),
            (result.WaitingForOutputs, result.StoreBusy > 0.8 ? "the store's connection" : "outputs on their way from workers"),
            (result.WithoutTask, result.Workers > paths ? $"more workers than the {paths} paths" : "paths that wait for outer steps and for each other"),
        ];
        return causes.MaxBy(cause => cause.Share).Text;
    }
}
