using DiPaCo.Core;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>One run under one seed: the scheduler, the network, and the chance that rules over both.</summary>
internal sealed class World
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Dictionary<Setting, Reference> References = [];

    private readonly PriorityQueue<Planned, ulong> _queue = new();
    private readonly List<Message> _outbox = [];
    private readonly RandomStream _random;
    private readonly List<string>? _trace;
    private uint _sequence;

    public World(long seed, SimulatedRules rules, List<string>? trace = null)
    {
        _random = new RandomStream(seed, "simulation");
        _trace = trace;
        Rules = rules;
        Faults = new Faults(_random);
        lock (References)
        {
            if (!References.TryGetValue(Faults.Setting, out Reference? reference))
            {
                References[Faults.Setting] = reference = new Reference(Faults.Setting);
            }

            Reference = reference;
        }

        Dispatcher = new DispatcherParty(this);
        Run = new RunParty(this);
        Paths = [.. Setting.Paths.Select(path => new PathParty(this, path))];
        Modules = [.. Faults.Setting.Modules.Select(module => new ModuleParty(this, module))];
        Workers = [.. Enumerable.Range(0, 3).Select(worker => new WorkerParty(this, worker))];
    }

    public SimulatedRules Rules { get; }

    public Faults Faults { get; }

    public Reference Reference { get; }

    public Sightings Seen { get; } = new();

    public DispatcherParty Dispatcher { get; }

    public RunParty Run { get; }

    public PathParty[] Paths { get; }

    public ModuleParty[] Modules { get; }

    public WorkerParty[] Workers { get; }

    /// <summary>Milliseconds since the beginning.</summary>
    public long Now { get; private set; }

    public DateTimeOffset Time => Begin.AddTicks(Now * TimeSpan.TicksPerMillisecond);

    public bool HasFaults => Now < Faults.Until;

    public long Events { get; private set; }

    public ModuleParty this[ModuleId module] => Modules.First(party => party.Module == module);

    public Party OwnerOf(TaskOwner owner) => owner.Name.StartsWith("path/", StringComparison.Ordinal)
        ? Paths[owner.Name[^1] - '0']
        : this[new ModuleId(owner.Name["module/".Length..])];

    public bool Chance(double probability) => probability > 0 && _random.NextDouble() < probability;

    public int Draw(int exclusiveMaximum) => _random.NextInt32(exclusiveMaximum);

    /// <summary>Runs until the end, and checks it.</summary>
    public void Play()
    {
        foreach (Party party in (IEnumerable<Party>)[Run, Dispatcher, .. Paths, .. Modules, .. Workers])
        {
            Plan(party, Draw(50), "starts", party.Wake);
        }

        PlanFaults();
        long deadline = Faults.Until + 60_000;
        while (!IsOver())
        {
            if (!_queue.TryDequeue(out Planned planned, out ulong at) || Now > deadline)
            {
                throw new SimulationException($"The run does not end: it is {Run.Saved.Stage} and waits on: {RunRules.WaitsOn(Run.Saved).Text} {Dispatcher.Describe()}");
            }

            Now = Math.Max(Now, (long)(at >> 24));
            Events++;
            Happen(planned);
        }

        Ending.Check(this);
    }

    /// <summary>Something that a party will do itself, if it lives until then.</summary>
    public void Plan(Party party, int milliseconds, string what, Action action) => Enqueue(new Planned(party, party.Life, null, what, action), milliseconds);

    /// <summary>A message that leaves at the end of the step.</summary>
    public void Post(Party from, Party to, string what, Action action) => _outbox.Add(new Message(from, to, what, action));

    public void Trace(string text) => _trace?.Add(FormattableString.Invariant($"{Now,7} {text}"));

    private bool IsOver() => Run.Saved.Stage is RunStage.Done or RunStage.Deleted && Dispatcher.Saved.Tasks.IsEmpty
        && Run.Saved.StandingHeard == Run.Saved.StandingNumber;

    private void Happen(Planned planned)
    {
        Party party = planned.Party;
        if (planned.Life is { } life && life != party.Life)
        {
            return;
        }

        if (planned.Life is null && planned.From is null)
        {
            planned.Action();
            return;
        }

        if (party.IsDown)
        {
            _trace?.Add(FormattableString.Invariant($"{Now,7} {party.Name} is down: {planned.What} is lost"));
            return;
        }

        if (party.FrozenUntil > Now)
        {
            Enqueue(planned, (int)(party.FrozenUntil - Now));
            return;
        }

        Step(planned);
    }

    private void Step(Planned planned)
    {
        Party party = planned.Party;
        int crash = HasFaults && Chance(Faults.Crash) ? Draw(4) : 4;
        _trace?.Add(FormattableString.Invariant($"{Now,7} {party.Name}: {planned.What}{(planned.From is null ? "" : $" from {planned.From.Name}")}"));
        if (crash == 0)
        {
            Crash(party, "before it does anything");
            return;
        }

        _outbox.Clear();
        party.Begin();
        planned.Action();
        party.SendOutstanding();
        if (crash == 1)
        {
            Crash(party, "before it persists");
            return;
        }

        party.Commit();
        if (crash == 2)
        {
            Crash(party, "after it has persisted");
            return;
        }

        int sent = crash == 3 ? Draw(_outbox.Count + 1) : _outbox.Count;
        for (int i = 0; i < sent; i++)
        {
            Transmit(_outbox[i]);
        }

        if (crash == 3)
        {
            Crash(party, $"after {sent} of {_outbox.Count} messages");
        }
    }

    private void Transmit(Message message)
    {
        int copies = HasFaults && Chance(Faults.Drop) ? 0 : HasFaults && Chance(Faults.Duplicate) ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            int delay = HasFaults && Chance(Faults.Late) ? 100 + Draw(4_000) : 1 + Draw(10);
            Enqueue(new Planned(message.To, null, message.From, message.What, message.Action), delay);
        }

        if (copies == 0)
        {
            _trace?.Add(FormattableString.Invariant($"{Now,7} lost: {message.What} from {message.From.Name} to {message.To.Name}"));
        }
    }

    public void Crash(Party party, string when)
    {
        _trace?.Add(FormattableString.Invariant($"{Now,7} {party.Name} dies {when}"));
        Seen.Crashes++;
        party.Die();
        int pause = Draw(2) == 0 ? 1 : 50 + Draw(1_500);
        Enqueue(new Planned(party, null, null, "comes back", () =>
        {
            _trace?.Add(FormattableString.Invariant($"{Now,7} {party.Name} comes back"));
            party.IsDown = false;
            party.Recover();
            Plan(party, 0, "wakes", party.Wake);
        }), pause);
    }

    private void PlanFaults()
    {
        for (int i = 0; i < Faults.WorkerFaults; i++)
        {
            WorkerParty worker = Workers[Draw(3)];
            int at = Draw((int)Faults.Until);
            switch (Draw(3))
            {
                case 0:
                    int frozen = 200 + Draw(4_000);
                    Enqueue(Control(worker, () => worker.FrozenUntil = Math.Max(worker.FrozenUntil, Now + frozen)), at);
                    break;
                case 1:
                    Enqueue(Control(worker, () => CrashIfUp(worker)), at);
                    break;
                default:
                    Plan(worker, at, "is told to leave", worker.Leave);
                    break;
            }
        }

        if (Faults.Pauses)
        {
            Plan(Run, Draw((int)Faults.Until), "is paused", Run.Pause);
        }

        if (Faults.Deletes)
        {
            Enqueue(new Planned(Run, null, Run, "is deleted", Run.Delete), Draw((int)Faults.Until));
        }
    }

    private void CrashIfUp(Party party)
    {
        if (!party.IsDown)
        {
            Crash(party, "at once");
        }
    }

    private static Planned Control(Party party, Action action) => new(party, null, null, "fault", action);

    private void Enqueue(Planned planned, int milliseconds) => _queue.Enqueue(planned, ((ulong)(Now + milliseconds) << 24) | (_sequence++ & 0xFFFFFF));

    /// <summary>Something that will happen: to a party in a given life, or a message to whoever lives then, or (without both) to the world.</summary>
    private readonly record struct Planned(Party Party, int? Life, Party? From, string What, Action Action);

    private readonly record struct Message(Party From, Party To, string What, Action Action);
}
