using System.Globalization;

namespace DiPaCo.Cluster;

/// <summary>
/// Who wants what computed, and who computes it: the rules of the dispatcher, on time that the caller gives. Not for several threads.
/// </summary>
/// <param name="epoch">Larger than that of every book before.</param>
/// <param name="lease">How long a lease lasts without a heartbeat.</param>
internal sealed class TaskBook(long epoch, TimeSpan lease)
{
    private const int MostAttempts = 10;
    private const int MostFailuresOfAWorker = 3;
    private const int MostOrphans = 10_000;
    private const int MostSteps = 20_000;

    private readonly Dictionary<string, Entry> _tasks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Seat> _workers = new(StringComparer.Ordinal);
    private readonly Dictionary<long, (Entry Task, Seat Worker)> _leases = [];
    private readonly Dictionary<string, TaskDelivery> _orphans = new(StringComparer.Ordinal);
    private long _lastLease = epoch << 32;
    private long _lastOrder;

    /// <summary>How long a lease lasts without a heartbeat.</summary>
    public TimeSpan Lease { get; } = lease;

    public bool IsKnown(string key) => _tasks.ContainsKey(key);

    /// <summary>Takes an order; once more changes nothing.</summary>
    public void Order(TaskOrder order, DateTimeOffset now)
    {
        if (_tasks.ContainsKey(order.Key))
        {
            return;
        }

        Entry task = new(order, ++_lastOrder, now);
        _tasks[order.Key] = task;
        // Delivered to a dispatcher that had just begun and did not know yet that anybody wanted it.
        if (_orphans.Remove(order.Key, out TaskDelivery? delivery))
        {
            task.Delivery = delivery;
        }
    }

    /// <summary>Takes a task off the book, and its workers off the task.</summary>
    public void Forget(string run, string key)
    {
        if (_tasks.TryGetValue(key, out Entry? task) && task.Order.Run == run)
        {
            _tasks.Remove(key);
            foreach (long number in task.Leases.ToArray())
            {
                End(number);
            }
        }
    }

    public TaskNews Watch(string key, long nextStep) => !_tasks.TryGetValue(key, out Entry? task)
        ? new TaskNews(false, StepBatch.None, null, null)
        : new TaskNews(true, task.StepsFrom(nextStep), task.Delivery, task.Failure);

    /// <summary>Whether a watcher has something to hear.</summary>
    public bool HasNews(string key, long nextStep) => !_tasks.TryGetValue(key, out Entry? task) || task.Delivery is not null || task.Failure is not null
        || task.NextStep > nextStep;

    /// <summary>A worker that comes back with a new incarnation has lost what it held before.</summary>
    public void Register(WorkerOffer offer, DateTimeOffset now)
    {
        if (_workers.TryGetValue(offer.Worker, out Seat? seat))
        {
            if (seat.Offer.Incarnation > offer.Incarnation)
            {
                throw new LinkException($"A worker named '{offer.Worker}' has joined later than this one; give one of them another name (--name).", isFinal: true);
            }

            if (seat.Offer.Incarnation < offer.Incarnation)
            {
                EndAll(seat, now);
            }
        }
        else
        {
            seat = new Seat();
            _workers[offer.Worker] = seat;
        }

        seat.Offer = offer;
        seat.Seen = now;
    }

    /// <summary>The next task for a worker; null: there is none, and why.</summary>
    public LeaseOutcome? TryLease(string worker, long incarnation, IReadOnlyCollection<string> cached, DateTimeOffset now)
    {
        if (!_workers.TryGetValue(worker, out Seat? seat) || seat.Offer.Incarnation != incarnation)
        {
            return new LeaseOutcome(null, "", UnknownWorker: true);
        }

        seat.Seen = now;
        if (seat.Failures >= MostFailuresOfAWorker || seat.Leases.Count >= seat.Offer.Slots)
        {
            return null;
        }

        HashSet<string> has = [.. cached];
        Entry? best = _tasks.Values
            .Where(task => task.IsOpen && task.Leases.Count == 0 && task.NotBefore <= now && Fits(task.Order, seat.Offer) && !task.FailedOn.Contains(worker))
            .OrderByDescending(task => task.Order.Priority)
            .ThenByDescending(task => task.Order.Inputs.Count(has.Contains))
            .ThenBy(task => task.Number)
            .FirstOrDefault();
        if (best is null)
        {
            return null;
        }

        long number = ++_lastLease;
        best.Leases.Add(number);
        best.Attempts++;
        best.Since = now;
        seat.Leases[number] = now + Lease;
        seat.Since = now;
        _leases[number] = (best, seat);
        return new LeaseOutcome(
            new LeasedTask(number, best.Order.Run, best.Order.Key, best.Order.Kind, best.Order.Spec, Lease, TimeSpan.Zero), "", UnknownWorker: false);
    }

    /// <summary>Why a worker waits, for people.</summary>
    public string WaitingFor(string worker, DateTimeOffset now)
    {
        Seat? seat = _workers.GetValueOrDefault(worker);
        int open = _tasks.Values.Count(task => task.IsOpen);
        int waiting = _tasks.Values.Count(task => task.IsOpen && task.Leases.Count == 0);
        return seat is not null && seat.Failures >= MostFailuresOfAWorker
            ? $"nothing any more: it failed {seat.Failures} times in a row, the last time: {seat.LastFailure}. Repair the cause and start it again"
            : open == 0 ? "a run that has tasks"
            : waiting == 0 ? $"the {open} tasks that other workers compute; what they make leads to more"
            : _tasks.Values.All(task => !task.IsOpen || seat is null || !Fits(task.Order, seat.Offer))
                ? "a task that fits: those that wait are for another kind of processor (numerics fingerprint) or for more memory"
                : $"{waiting} tasks that failed and are tried again soon";
    }

    /// <summary>Keeps a lease; empty, or why it is lost.</summary>
    public string Heartbeat(string worker, long incarnation, long number, StepBatch progress, DateTimeOffset now)
    {
        if (_workers.TryGetValue(worker, out Seat? seat) && seat.Offer.Incarnation == incarnation)
        {
            seat.Seen = now;
        }

        if (!_leases.TryGetValue(number, out (Entry Task, Seat Worker) lease) || lease.Worker != seat || seat.Offer.Incarnation != incarnation)
        {
            return "the lease has ended; the task is somebody else's or no longer wanted";
        }

        seat.Leases[number] = now + Lease;
        lease.Task.Add(progress);
        return "";
    }

    /// <summary>Takes a result, also one that comes late: a task is a pure function.</summary>
    public DeliveryOutcome Complete(string worker, long number, string key, TaskDelivery delivery, DateTimeOffset now)
    {
        Seat? seat = _workers.GetValueOrDefault(worker);
        if (seat is not null)
        {
            seat.Seen = now;
        }

        if (_leases.ContainsKey(number))
        {
            End(number);
        }

        if (!_tasks.TryGetValue(key, out Entry? task))
        {
            if (_orphans.Count < MostOrphans)
            {
                _orphans[key] = delivery;
            }

            return new DeliveryOutcome(DeliveryVerdict.NotWanted, "nobody waits for it now");
        }

        if (task.Delivery is { } known)
        {
            return known.Metrics == delivery.Metrics && known.Outputs.SequenceEqual(delivery.Outputs)
                ? new DeliveryOutcome(DeliveryVerdict.Known, "")
                : new DeliveryOutcome(DeliveryVerdict.Contradiction, Contradiction(known, delivery));
        }

        task.Add(delivery.Progress);
        task.Delivery = delivery with { Progress = StepBatch.None };
        task.Failure = null;
        if (seat is not null)
        {
            seat.Completed++;
            seat.Failures = 0;
            seat.Since = now;
        }

        foreach (long other in task.Leases.ToArray())
        {
            End(other);
        }

        return new DeliveryOutcome(DeliveryVerdict.Taken, "");
    }

    /// <summary>Takes a task back.</summary>
    public void GiveBack(long number, GivenBack reason, DateTimeOffset now)
    {
        if (!_leases.TryGetValue(number, out (Entry Task, Seat Worker) lease))
        {
            return;
        }

        End(number);
        (Entry task, Seat seat) = lease;
        seat.Since = now;
        task.Since = now;
        if (reason.Reason == GiveBackReason.Leaving)
        {
            task.Attempts--;
            return;
        }

        seat.FailedInAll++;
        task.LastFailure = $"on {seat.Offer.Worker}: {reason.Message}";
        if (reason.Reason == GiveBackReason.Failed)
        {
            seat.Failures++;
            seat.LastFailure = reason.Message;
            // Elsewhere at once, here only when it was elsewhere as well.
            task.FailedOn.Add(seat.Offer.Worker);
            if (_workers.Values.All(worker => task.FailedOn.Contains(worker.Offer.Worker)))
            {
                task.FailedOn.Clear();
                task.NotBefore = now + TimeSpan.FromSeconds(Math.Min(60, 1 << Math.Min(task.Attempts, 6)));
            }

            if (task.Attempts < MostAttempts)
            {
                return;
            }

            reason = reason with { Message = string.Create(CultureInfo.InvariantCulture, $"The task {task.Order.Kind} {task.Order.Key[..8]} failed {task.Attempts} times, the last time {task.LastFailure}") };
        }

        task.Failure ??= reason;
    }

    /// <summary>Ends the leases of workers that are silent.</summary>
    /// <returns>Whether any ended.</returns>
    public bool Tick(DateTimeOffset now)
    {
        bool any = false;
        foreach ((string name, Seat seat) in _workers.ToArray())
        {
            foreach ((long number, DateTimeOffset until) in seat.Leases.ToArray())
            {
                if (until < now)
                {
                    _leases[number].Task.Since = now;
                    _leases[number].Task.LastFailure = $"on {name}: silent since {seat.Seen:u}";
                    End(number);
                    any = true;
                }
            }

            if (seat.Leases.Count == 0 && now - seat.Seen > TimeSpan.FromHours(1))
            {
                _workers.Remove(name);
            }
        }

        return any;
    }

    public ClusterStatus Status(DateTimeOffset now) => new(
        [.. _workers.Values.OrderBy(seat => seat.Offer.Worker, StringComparer.Ordinal).Select(seat => new WorkerStatus(
            seat.Offer.Worker, seat.Offer.Device, StateOf(seat, now), seat.Since, seat.Completed, seat.FailedInAll, seat.Offer.Fingerprint))],
        [.. _tasks.Values.OrderBy(task => task.Number).Select(task => new TaskStatusLine(
            task.Order.Run, task.Order.Key, task.Order.Kind, StateOf(task), task.Since, task.Attempts))]);

    private string StateOf(Seat seat, DateTimeOffset now) =>
        seat.Failures >= MostFailuresOfAWorker ? $"quarantined: {seat.LastFailure}"
        : now - seat.Seen > 2 * Lease ? $"silent since {seat.Seen:u}"
        : seat.Leases.Count == 0 ? "idle"
        : string.Join(", ", seat.Leases.Keys.Select(number => $"{_leases[number].Task.Order.Kind} {_leases[number].Task.Order.Key[..8]}"));

    private string StateOf(Entry task) =>
        task.Delivery is not null ? "done"
        : task.Failure is { } failure ? $"failed: {failure.Message}"
        : task.Leases.Count > 0 ? $"on {string.Join(", ", task.Leases.Select(number => _leases[number].Worker.Offer.Worker))}"
        : task.LastFailure.Length > 0 ? $"waits for a worker; {task.LastFailure}"
        : "waits for a worker";

    private static bool Fits(TaskOrder order, WorkerOffer offer) =>
        order.MemoryBytes <= offer.MemoryBytes && (order.Fingerprint.Length == 0 || order.Fingerprint == offer.Fingerprint);

    private static string Contradiction(TaskDelivery known, TaskDelivery other)
    {
        foreach ((string name, string hash) in known.Outputs)
        {
            string? found = other.Outputs.GetValueOrDefault(name);
            if (found != hash)
            {
                return $"output '{name}' is {found ?? "missing"} where another worker made {hash}: one of the two computes otherwise than its fingerprint says";
            }
        }

        return "its metrics differ from those of another worker";
    }

    private void End(long number)
    {
        if (_leases.Remove(number, out (Entry Task, Seat Worker) lease))
        {
            lease.Task.Leases.Remove(number);
            lease.Worker.Leases.Remove(number);
        }
    }

    private void EndAll(Seat seat, DateTimeOffset now)
    {
        foreach (long number in seat.Leases.Keys.ToArray())
        {
            _leases[number].Task.Since = now;
            End(number);
        }

        seat.Failures = 0;
    }

    private sealed class Entry(TaskOrder order, long number, DateTimeOffset since)
    {
        private readonly List<StepReport> _steps = [];
        private long _firstStep;

        public TaskOrder Order { get; } = order;

        public long Number { get; } = number;

        public List<long> Leases { get; } = [];

        public HashSet<string> FailedOn { get; } = new(StringComparer.Ordinal);

        public int Attempts { get; set; }

        public DateTimeOffset Since { get; set; } = since;

        public DateTimeOffset NotBefore { get; set; }

        public string LastFailure { get; set; } = "";

        public TaskDelivery? Delivery { get; set; }

        public GivenBack? Failure { get; set; }

        public bool IsOpen => Delivery is null && Failure is null;

        public long NextStep => _firstStep + _steps.Count;

        /// <summary>A second attempt tells the first steps again; whoever is further counts.</summary>
        public void Add(StepBatch batch)
        {
            for (int i = 0; i < batch.Steps.Length; i++)
            {
                if (batch.First + i == NextStep)
                {
                    _steps.Add(batch.Steps[i]);
                }
                else if (batch.First + i > NextStep)
                {
                    _firstStep = batch.First + i;
                    _steps.Clear();
                    _steps.Add(batch.Steps[i]);
                }
            }

            if (_steps.Count > MostSteps)
            {
                int gone = _steps.Count - MostSteps;
                _steps.RemoveRange(0, gone);
                _firstStep += gone;
            }
        }

        public StepBatch StepsFrom(long next)
        {
            int skip = (int)Math.Clamp(next - _firstStep, 0, _steps.Count);
            return new StepBatch(_firstStep + skip, [.. _steps.Skip(skip)]);
        }
    }

    private sealed class Seat
    {
        public WorkerOffer Offer { get; set; } = null!;

        public DateTimeOffset Seen { get; set; }

        public DateTimeOffset Since { get; set; }

        public SortedDictionary<long, DateTimeOffset> Leases { get; } = [];

        public int Failures { get; set; }

        public long FailedInAll { get; set; }

        public long Completed { get; set; }

        public string LastFailure { get; set; } = "";
    }
}
