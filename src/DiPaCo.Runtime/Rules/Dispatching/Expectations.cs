namespace DiPaCo.Runtime.Rules;

/// <summary>How long things should take: measured on tasks and heartbeats, never told by a user.</summary>
internal sealed class Expectations(DispatcherOptions options)
{
    /// <summary>Longest time that is expected of anything: keeps absurd rates inside the range of a date.</summary>
    private const double LongestSeconds = 1e8;

    /// <summary>How long a lease of a worker lasts without a heartbeat: as many of its usual gaps as it may lose.</summary>
    public TimeSpan DurationOf(WorkerEntry worker)
    {
        TimeSpan measured = TimeSpan.FromSeconds(options.HeartbeatsPerLease * (worker.HeartbeatGap + (2 * worker.HeartbeatDeviation)));
        return measured < options.MinimumLease ? options.MinimumLease : measured > options.MaximumLease ? options.MaximumLease : measured;
    }

    /// <summary>A worker with the newest gap between its heartbeats.</summary>
    public WorkerEntry Heard(WorkerEntry worker, Lease lease, DateTimeOffset now)
    {
        double gap = Math.Clamp((now - lease.LastHeard).TotalSeconds, 0, options.MaximumLease.TotalSeconds);
        return worker.HeartbeatGap == 0
            ? worker with { HeartbeatGap = gap }
            : worker with
            {
                HeartbeatGap = Average(worker.HeartbeatGap, gap),
                HeartbeatDeviation = Average(worker.HeartbeatDeviation, Math.Abs(gap - worker.HeartbeatGap)),
            };
    }

    /// <summary>A lease after a heartbeat. What is done moves only forward: heartbeats may overtake each other.</summary>
    public Lease Extend(WorkerEntry worker, Lease lease, Heartbeat beat, DateTimeOffset now)
    {
        double done = double.IsFinite(beat.DoneFraction) ? Math.Clamp(beat.DoneFraction, lease.DoneFraction, 1) : lease.DoneFraction;
        DateTimeOffset? end = done > lease.StartFraction && done > lease.DoneFraction && beat.Elapsed > TimeSpan.Zero
            ? now + Seconds(beat.Elapsed.TotalSeconds * (1 - done) / (done - lease.StartFraction))
            : lease.ExpectedEnd;
        DateTimeOffset deadline = now + DurationOf(worker);
        return lease with { Deadline = deadline > lease.Deadline ? deadline : lease.Deadline, LastHeard = now, DoneFraction = done, ExpectedEnd = end };
    }

    /// <summary>A worker and the rates of a kind with one more completed task.</summary>
    public (WorkerEntry Worker, KindRates Kind) Measured(
        DispatcherState state, WorkerEntry worker, TaskEntry entry, Lease lease, TimeSpan elapsed, DateTimeOffset now)
    {
        string kind = entry.Demand.Kind;
        KindRates rates = state.Kinds.GetValueOrDefault(kind, KindRates.None);
        TimeSpan held = now - lease.Started;
        // A worker that has gone on from a state of its own tells how long all would have taken, which is longer than it held the task.
        double seconds = (elapsed > TimeSpan.Zero ? elapsed : held).TotalSeconds;
        double rate = entry.Demand.Flops * (1 - lease.StartFraction) / seconds;
        if (!double.IsFinite(rate) || rate <= 0)
        {
            return (worker, rates);
        }

        double average = worker.Rates.TryGetValue(kind, out double before) ? Average(before, rate) : rate;
        return (worker with { Rates = worker.Rates.SetItem(kind, average) }, rates.With(rate));
    }

    /// <summary>FLOP/s of a worker on a kind of task: its own, else the median worker's; null: nobody has completed one.</summary>
    public static double? RateOf(DispatcherState state, WorkerEntry worker, string kind) =>
        worker.Rates.TryGetValue(kind, out double rate) ? rate : MedianOf(state, kind);

    /// <summary>FLOP/s of the median worker on a kind of task; null: nobody has completed one.</summary>
    public static double? MedianOf(DispatcherState state, string kind) =>
        state.Kinds.TryGetValue(kind, out KindRates? rates) && rates.Median > 0 ? rates.Median : null;

    /// <summary>Whether a worker takes far longer than the median worker.</summary>
    public bool IsSlow(DispatcherState state, WorkerEntry worker, string kind) =>
        worker.Rates.TryGetValue(kind, out double rate) && MedianOf(state, kind) is { } median && rate * options.StragglerFactor < median;

    /// <summary>How long what is left of a task should take at a rate; null: unknown.</summary>
    public static TimeSpan? TimeOf(TaskEntry entry, double? rate) => rate is { } flops && entry.Demand.Flops > 0
        ? Seconds(entry.Demand.Flops * (1 - (entry.Continuation?.Fraction() ?? 0)) / flops)
        : null;

    /// <summary>When a task should be done on a worker that gets it now, after what it holds already unless it is computed beside that; null: unknown.</summary>
    public static DateTimeOffset? EndOf(DispatcherState state, WorkerEntry worker, TaskEntry entry, DateTimeOffset now)
    {
        DateTimeOffset start = now;
        foreach (HeldLease held in worker.Held)
        {
            if (!entry.Demand.Beside && state.Find(held.Key, held.Number, worker.Capabilities.Worker) is (_, Lease lease) && lease.ExpectedEnd > start)
            {
                start = lease.ExpectedEnd.Value;
            }
        }

        return start + TimeOf(entry, RateOf(state, worker, entry.Demand.Kind));
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(double.IsFinite(seconds) ? Math.Clamp(seconds, 0, LongestSeconds) : LongestSeconds);

    private double Average(double before, double newest) => before + (options.Smoothing * (newest - before));
}
