using System.Collections.Immutable;

namespace DiPaCo.Runtime.Rules;

/// <summary>Says what everybody does.</summary>
internal sealed class StatusLines(Matching matching, Expectations expectations)
{
    public DispatcherStatus Of(DispatcherState state, DateTimeOffset now)
    {
        ImmutableArray<WorkerLine>.Builder workers = ImmutableArray.CreateBuilder<WorkerLine>(state.Workers.Count);
        foreach (WorkerEntry worker in state.Workers.Values)
        {
            bool isSlow = worker.Rates.Keys.Any(kind => expectations.IsSlow(state, worker, kind));
            (string text, DateTimeOffset since) = StateOf(state, worker, now);
            workers.Add(new WorkerLine(
                worker.Capabilities.Worker, worker.Capabilities.Device, text, since, isSlow, worker.Completed, worker.Failed, worker.Refusals.Length,
                worker.Expired, worker.Contradictions, worker.Capabilities.Fingerprint));
        }

        FittingWorkers fitting = new(matching, state, now);
        ImmutableArray<TaskLine>.Builder tasks = ImmutableArray.CreateBuilder<TaskLine>(state.Tasks.Count);
        tasks.AddRange(state.Tasks.Values.Where(entry => !entry.IsSettled && !entry.Leases.IsEmpty).Select(entry => Line(entry, Computing(entry))));
        tasks.AddRange(state.Waiting.Select(queued => state.Tasks[queued.Key]).Select(entry => Line(entry, Matching.WaitOf(state, entry, fitting, now))));
        tasks.AddRange(state.Settled.Select(key => state.Tasks[key]).Select(entry => Line(entry, Acknowledgement(entry))));
        return new DispatcherStatus(workers.ToImmutable(), tasks.ToImmutable());
    }

    private (string Text, DateTimeOffset Since) StateOf(DispatcherState state, WorkerEntry worker, DateTimeOffset now)
    {
        if (worker.Quarantine is { } quarantine)
        {
            return ($"Quarantined: {quarantine}", worker.Since);
        }

        if (!matching.IsLive(worker, now))
        {
            return ("Silent.", worker.LastHeard);
        }

        (TaskEntry Entry, Lease Lease)? first = worker.Held.IsEmpty ? null : state.Find(worker.Held[0].Key, worker.Held[0].Number, worker.Capabilities.Worker);
        if (first is not (TaskEntry entry, Lease lease))
        {
            return ("Idle.", worker.Since);
        }

        string end = lease.ExpectedEnd is { } expected ? $", until {expected:u} if all goes well" : "";
        string more = worker.Held.Length > 1 ? $" {worker.Held.Length - 1} more leased." : "";
        return ($"Computes {entry.Demand.Kind} of {entry.Demand.Owner}, {lease.DoneFraction:P0} done{end}.{more}", lease.Started);
    }

    private static WaitReason Computing(TaskEntry entry) => new(
        WaitCause.Computing, $"Worker {string.Join(" and ", entry.Leases.Select(lease => $"{lease.Worker} ({lease.DoneFraction:P0})"))}.", entry.Since);

    private static WaitReason Acknowledgement(TaskEntry entry) => new(
        WaitCause.Acknowledgement, $"{string.Join(" and ", entry.Claims.Select(claim => $"{claim.Owner} of {claim.Run}"))} to take {(entry.GaveUp is null ? "the result" : "the failure")}.", entry.Since);

    private static TaskLine Line(TaskEntry entry, WaitReason wait) => new(
        entry.Demand.Key, entry.Demand.Kind, entry.Demand.Run, entry.Demand.Owner, wait, entry.Attempts, entry.Failures.IsEmpty ? null : entry.Failures[^1].Reason);
}
