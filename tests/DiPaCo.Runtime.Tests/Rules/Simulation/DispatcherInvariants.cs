using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>What must hold of every step of the dispatcher, whatever happens around it.</summary>
internal static class DispatcherInvariants
{
    public static void Check(DispatcherState before, DispatcherState after, Cause cause, DateTimeOffset now, Sightings seen)
    {
        if (after.LastLease < before.LastLease)
        {
            throw new SimulationException($"Lease numbers went back from {before.LastLease} to {after.LastLease}.");
        }

        foreach ((TaskKey key, TaskEntry old) in before.Tasks)
        {
            if (!after.Tasks.TryGetValue(key, out TaskEntry? entry))
            {
                if (!cause.HasEnded && !(old.IsSettled && cause.Acknowledged == key))
                {
                    throw new SimulationException($"Task {key} of {old.Demand.Owner} is lost.");
                }
            }
            else if (!ReferenceEquals(old, entry))
            {
                CheckLeases(before, after, old, entry, cause, now, seen);
                CheckOutcome(old, entry, seen);
            }
        }

        CheckPresent(before, after);
        foreach ((WorkerId worker, WorkerEntry entry) in after.Workers)
        {
            bool isNew = entry.Quarantine is not null && before.Workers.GetValueOrDefault(worker)?.Quarantine is null;
            seen.Quarantines += isNew ? 1 : 0;
        }
    }

    /// <summary>A lease ends or changes only by its own worker in its own name, by time, or because nobody needs it any more.</summary>
    private static void CheckLeases(
        DispatcherState before, DispatcherState after, TaskEntry old, TaskEntry entry, Cause cause, DateTimeOffset now, Sightings seen)
    {
        foreach (Lease lease in old.Leases)
        {
            Lease? kept = entry.Leases.FirstOrDefault(each => each.Number == lease.Number);
            bool isOwn = cause.Worker == lease.Worker && (cause.IsAll || cause.Lease == lease.Number);
            if (kept is null)
            {
                bool isQuarantined = after.Workers.GetValueOrDefault(lease.Worker)?.Quarantine is not null;
                bool hasExpired = cause.IsTick && lease.Deadline <= now;
                if (!isOwn && !hasExpired && !entry.IsSettled && !isQuarantined)
                {
                    throw new SimulationException($"Lease {lease.Number} of worker {lease.Worker} was ended by worker {cause.Worker} with lease {cause.Lease}.");
                }

                seen.ExpiredLeases += hasExpired ? 1 : 0;
                seen.HandOvers += entry.Continuation is not null && old.Continuation is null ? 1 : 0;
            }
            else if (kept != lease && !(cause.Worker == lease.Worker && cause.Lease <= lease.Number))
            {
                throw new SimulationException($"Lease {lease.Number} of worker {lease.Worker} was changed by worker {cause.Worker} with lease {cause.Lease}.");
            }
        }

        foreach (Lease lease in entry.Leases)
        {
            if (!old.Leases.Any(each => each.Number == lease.Number))
            {
                CheckGiven(before, after, entry, lease, cause);
                seen.Duplicates += entry.Leases.Length == 2 ? 1 : 0;
            }
        }
    }

    private static void CheckGiven(DispatcherState before, DispatcherState after, TaskEntry entry, Lease lease, Cause cause)
    {
        if (lease.Number <= before.LastLease || lease.Number > after.LastLease)
        {
            throw new SimulationException($"Lease {lease.Number} does not follow lease {before.LastLease}.");
        }

        WorkerEntry worker = after.Workers[lease.Worker];
        if (cause.Worker != lease.Worker || worker.Quarantine is not null || worker.Capabilities.Incarnation != lease.Incarnation)
        {
            throw new SimulationException($"Lease {lease.Number} was given to worker {lease.Worker}, which did not ask for it or must not get it.");
        }

        if (worker.Capabilities.OuterOnly && !entry.Demand.Beside)
        {
            throw new SimulationException($"Worker {lease.Worker}, which makes outer steps only, got task {entry.Demand.Key}.");
        }

        if (entry.Demand.Fingerprint != worker.Capabilities.Fingerprint || worker.Held.Length > worker.Capabilities.Slots || entry.Leases.Length > 2
            || (entry.Leases.Length == 2 && entry.Leases[0].Worker == entry.Leases[1].Worker))
        {
            throw new SimulationException($"Lease {lease.Number} of task {entry.Demand.Key} does not fit worker {lease.Worker}.");
        }
    }

    private static void CheckOutcome(TaskEntry old, TaskEntry entry, Sightings seen)
    {
        if (old.Outcome is { } before && entry.Outcome is not null && !ReferenceEquals(entry.Outcome, before))
        {
            throw new SimulationException($"Task {entry.Demand.Key} got a second result.");
        }

        if (old.Outcome is null && entry.Outcome is { } outcome)
        {
            foreach ((string name, DiPaCo.Core.BlobHash blob) in outcome.Outputs)
            {
                if (blob != Arithmetic.Output(entry.Demand.Key, name, Arithmetic.Fingerprint))
                {
                    throw new SimulationException($"Output {name} of task {entry.Demand.Key} is not what its fingerprint computes.");
                }
            }
        }

        seen.GivenUp += entry.GaveUp is not null && old.GaveUp is null ? 1 : 0;
    }

    /// <summary>Every task waits, is leased to somebody who holds it, or is settled; and the indices say so.</summary>
    private static void CheckPresent(DispatcherState before, DispatcherState after)
    {
        if (ReferenceEquals(before.Tasks, after.Tasks) && ReferenceEquals(before.Workers, after.Workers))
        {
            return;
        }

        int waiting = 0, beside = 0, running = 0, settled = 0, leases = 0;
        foreach ((TaskKey key, TaskEntry entry) in after.Tasks)
        {
            bool waits = !entry.IsSettled && entry.Leases.Length == 0;
            waiting += waits ? 1 : 0;
            beside += waits && entry.Demand.Beside ? 1 : 0;
            running += !entry.IsSettled && entry.Leases.Length == 1 ? 1 : 0;
            settled += entry.IsSettled ? 1 : 0;
            leases += entry.Leases.Length;
            if (entry.IsSettled != after.Settled.Contains(key) || (entry.IsSettled && entry.Leases.Length > 0))
            {
                throw new SimulationException($"Task {key} is settled by half.");
            }

            foreach (Lease lease in entry.Leases)
            {
                if (!after.Workers.TryGetValue(lease.Worker, out WorkerEntry? worker) || !worker.Held.Contains(new HeldLease(lease.Number, key)))
                {
                    throw new SimulationException($"Lease {lease.Number} of task {key} is not held by worker {lease.Worker}: the task would wait for ever.");
                }
            }
        }

        int held = 0;
        foreach (WorkerEntry worker in after.Workers.Values)
        {
            held += worker.Held.Length;
        }

        if (after.WaitingOf.Values.Sum() != waiting || after.ComputedOf.Values.Sum() != after.Tasks.Values.Count(entry => !entry.IsSettled && !entry.Leases.IsEmpty))
        {
            throw new SimulationException("The counts of the runs' tasks do not fit the tasks.");
        }

        if (beside != after.WaitingBeside.Count || !after.OuterWorkers.SetEquals(after.Workers.Values.Where(worker => worker.Capabilities.IsForOuterSteps).Select(worker => worker.Capabilities.Worker)))
        {
            throw new SimulationException("The indices of outer steps and of workers for them do not fit.");
        }

        if (waiting != after.Waiting.Count || running != after.Running.Count || settled != after.Settled.Count || held != leases)
        {
            throw new SimulationException("The indices do not fit the tasks: one would wait for ever.");
        }
    }
}
