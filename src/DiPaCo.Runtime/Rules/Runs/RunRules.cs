using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>
/// A run's phases. It orders segments, records what paths and modules have done, balances the ledger at the end of each phase, and
/// is otherwise out of the way: within a segment nobody waits for the run.
/// </summary>
public static class RunRules
{
    /// <summary>Begins a segment. Said again of the segment that it is in, it changes nothing.</summary>
    /// <param name="state">A run that prepares, or is between two segments.</param>
    /// <param name="segment">The phases.</param>
    /// <param name="paths">What it wants of each path; the number is set here.</param>
    /// <param name="modules">What it wants of each module; the number is set here.</param>
    /// <param name="now">Now.</param>
    /// <exception cref="InvalidOperationException">The run does something else.</exception>
    /// <exception cref="ArgumentException">The segment does not follow the one before.</exception>
    public static RunState Begin(
        RunState state, Segment segment, ImmutableSortedDictionary<PathId, PathOrder> paths, ImmutableSortedDictionary<ModuleId, ModuleOrder> modules,
        DateTimeOffset now)
    {
        if (state.Segment == segment)
        {
            return state;
        }

        if (state.Status is not (RunStatus.Preparing or RunStatus.BetweenSegments))
        {
            throw new InvalidOperationException($"Run {state.Run} cannot begin phases {segment.First} to {segment.End}: it is {state.Status}.");
        }

        if (segment.End.Value <= segment.First.Value || (state.Segment is { } before && before.End != segment.First))
        {
            throw new ArgumentException($"Phases {segment.First} to {segment.End} do not follow phase {state.Phase}.", nameof(segment));
        }

        state = state with
        {
            Status = RunStatus.Training,
            Since = now,
            Segment = segment,
            Phase = segment.First,
            PathOrders = paths,
            ModuleOrders = modules,
            Modules = modules.ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value.Start),
            Paths = paths.ToImmutableSortedDictionary(entry => entry.Key, entry => new PathPosition(entry.Value.Optimizer, entry.Value.StepsMade)),
        };
        return Ordered(state);
    }

    /// <summary>A path has answered an order.</summary>
    public static RunState Heard(RunState state, PathId path, OrderReply reply, DateTimeOffset now) =>
        reply.Number != state.OrderNumber || reply.Verdict == OrderVerdict.Busy || !IsOrdering(state) ? state
        : reply.Verdict == OrderVerdict.Contradiction ? Fail(state, reply.Reason ?? $"Path {path} cannot carry out its order.", now)
        : state with { UnheardPaths = state.UnheardPaths.Remove(path) };

    /// <summary>A module has answered an order.</summary>
    public static RunState Heard(RunState state, ModuleId module, OrderReply reply, DateTimeOffset now) =>
        reply.Number != state.OrderNumber || reply.Verdict == OrderVerdict.Busy || !IsOrdering(state) ? state
        : reply.Verdict == OrderVerdict.Contradiction ? Fail(state, reply.Reason ?? $"Module {module} cannot carry out its order.", now)
        : state with { UnheardModules = state.UnheardModules.Remove(module) };

    /// <summary>A path has trained a phase: it goes into the ledger, once.</summary>
    public static (RunState State, RecordVerdict Verdict) Record(RunState state, PathReport report, DateTimeOffset now)
    {
        PathId path = report.Ledger.Path;
        if (!IsOpen(state, report.Ledger.Phase, out RecordVerdict verdict))
        {
            return (state, verdict);
        }

        OpenPhase open = state.Open.GetValueOrDefault(report.Ledger.Phase.Value, OpenPhase.Empty);
        if (open.Reports.TryGetValue(path, out PathReport? before))
        {
            return before == report
                ? (state, RecordVerdict.Known)
                : (Fail(state, $"Path {path} has reported phase {report.Ledger.Phase} twice: {before.Ledger} and {report.Ledger}.", now), RecordVerdict.Contradiction);
        }

        open = open with { Reports = open.Reports.Add(path, report) };
        return (Advance(state with { Open = state.Open.SetItem(report.Ledger.Phase.Value, open) }, now), RecordVerdict.Recorded);
    }

    /// <summary>A module has published the version at the end of a phase.</summary>
    public static (RunState State, RecordVerdict Verdict) Record(RunState state, ModuleVersion version, DateTimeOffset now)
    {
        Phase phase = new(version.Version.Value - 1);
        if (!IsOpen(state, phase, out RecordVerdict verdict))
        {
            return (state, verdict);
        }

        OpenPhase open = state.Open.GetValueOrDefault(phase.Value, OpenPhase.Empty);
        if (open.Versions.TryGetValue(version.Module, out ModuleVersion? before))
        {
            return before == version
                ? (state, RecordVerdict.Known)
                : (Fail(state, $"Module {version.Module} has published version {version.Version} twice: {before.Blob} and {version.Blob}.", now), RecordVerdict.Contradiction);
        }

        open = open with { Versions = open.Versions.Add(version.Module, version) };
        return (Advance(state with { Open = state.Open.SetItem(phase.Value, open) }, now), RecordVerdict.Recorded);
    }

    /// <summary>A path or module cannot go on. The answer is the failure's number; 0 while the run is paused: it has to be said again.</summary>
    public static (RunState State, long Number) Failed(RunState state, PartyFailure failure, DateTimeOffset now) =>
        state.Status == RunStatus.Paused ? (state, 0)
        : failure.Number == state.OrderNumber && IsOrdering(state) ? (Fail(state, failure.Reason, now), failure.Number)
        : (state, failure.Number);

    /// <summary>The recipe cannot go on: preparation, validation, re-sharding or evaluation has failed.</summary>
    public static RunState Fail(RunState state, string reason, DateTimeOffset now) => state.Status switch
    {
        RunStatus.Failed or RunStatus.Done or RunStatus.Deleting or RunStatus.Deleted => state,
        RunStatus.Paused => state with { Status = RunStatus.Failed, Failure = reason, Since = now, StandingNumber = state.StandingNumber + 1 },
        _ => state with { Status = RunStatus.Failed, Resumes = state.Status, Failure = reason, Since = now },
    };

    /// <summary>Somebody stops the run: no task of it is leased, and those that are computed are handed back.</summary>
    public static RunState Pause(RunState state, DateTimeOffset now) =>
        state.Status is RunStatus.Paused or RunStatus.Failed or RunStatus.Done or RunStatus.Deleting or RunStatus.Deleted
            ? state
            : state with { Status = RunStatus.Paused, Resumes = state.Status, Since = now, StandingNumber = state.StandingNumber + 1 };

    /// <summary>Somebody lets the run go on, after a pause or after the cause of a failure is gone: who failed tries again.</summary>
    public static RunState Resume(RunState state, DateTimeOffset now)
    {
        if (state.Status is not (RunStatus.Paused or RunStatus.Failed))
        {
            return state;
        }

        bool hasFailed = state.Status == RunStatus.Failed;
        state = state with { Status = state.Resumes, Failure = null, Since = now, StandingNumber = state.StandingNumber + (hasFailed ? 0 : 1) };
        return Advance(hasFailed && state.Status == RunStatus.Training ? Ordered(state) : state, now);
    }

    /// <summary>No segment is left: evaluation begins.</summary>
    /// <exception cref="InvalidOperationException">The run is not between two segments.</exception>
    public static RunState Finish(RunState state, DateTimeOffset now) => state.Status switch
    {
        RunStatus.Finishing => state,
        RunStatus.BetweenSegments => state with { Status = RunStatus.Finishing, Since = now },
        _ => throw new InvalidOperationException($"Run {state.Run} cannot finish: it is {state.Status}."),
    };

    /// <summary>Evaluation is done.</summary>
    /// <exception cref="InvalidOperationException">The run has not begun to finish.</exception>
    public static RunState Finished(RunState state, DateTimeOffset now) => state.Status switch
    {
        RunStatus.Done => state,
        RunStatus.Finishing => state with { Status = RunStatus.Done, Since = now, StandingNumber = state.StandingNumber + 1 },
        _ => throw new InvalidOperationException($"Run {state.Run} is not finished: it is {state.Status}."),
    };

    /// <summary>Somebody deletes the run, whatever it does.</summary>
    public static RunState Delete(RunState state, DateTimeOffset now) => state.Status is RunStatus.Deleting or RunStatus.Deleted ? state : Deleted(
        state with
        {
            Status = RunStatus.Deleting,
            Since = now,
            StandingNumber = state.StandingNumber + 1,
            UnheardPaths = [.. state.PathOrders.Keys],
            UnheardModules = [.. state.ModuleOrders.Keys],
        },
        now);

    /// <summary>A path knows that the run is deleted.</summary>
    public static RunState DeletionHeard(RunState state, PathId path, DateTimeOffset now) =>
        state.Status == RunStatus.Deleting ? Deleted(state with { UnheardPaths = state.UnheardPaths.Remove(path) }, now) : state;

    /// <summary>A module knows that the run is deleted.</summary>
    public static RunState DeletionHeard(RunState state, ModuleId module, DateTimeOffset now) =>
        state.Status == RunStatus.Deleting ? Deleted(state with { UnheardModules = state.UnheardModules.Remove(module) }, now) : state;

    /// <summary>The dispatcher knows what the run wants of its tasks.</summary>
    public static RunState StandingHeard(RunState state, long number, DateTimeOffset now) =>
        number <= state.StandingHeard || number > state.StandingNumber ? state : Deleted(state with { StandingHeard = number }, now);

    /// <summary>What has to be said until it is acknowledged.</summary>
    public static RunOutstanding Outstanding(RunState state)
    {
        bool isDeleting = state.Status == RunStatus.Deleting;
        bool isOrdering = IsOrdering(state);
        RunDemand demand = DemandOf(state);
        return new RunOutstanding(
            isOrdering ? [.. state.UnheardPaths.Select(path => (path, state.PathOrders[path]))] : [],
            isOrdering ? [.. state.UnheardModules.Select(module => state.ModuleOrders[module])] : [],
            isDeleting ? [.. state.UnheardPaths] : [],
            isDeleting ? [.. state.UnheardModules] : [],
            demand != RunDemand.Ended || state.StandingHeard < state.StandingNumber ? new StandingNotice(state.Run, state.StandingNumber, demand) : null);
    }

    /// <summary>What it waits on, for people.</summary>
    public static PartyWait WaitsOn(RunState state) => new(
        state.Status switch
        {
            RunStatus.Preparing => "The recipe to prepare corpus, base model and shards.",
            RunStatus.Training => TrainingWait(state),
            RunStatus.BetweenSegments => "The recipe to validate, and to shard anew.",
            RunStatus.Finishing => "The recipe to evaluate.",
            RunStatus.Paused => "Somebody to resume it.",
            RunStatus.Failed => $"Somebody to resume it: {state.Failure}",
            RunStatus.Deleting => $"{state.UnheardPaths.Count} paths and {state.UnheardModules.Count} modules to forget it.",
            _ => "Nothing.",
        },
        state.Since);

    private static string TrainingWait(RunState state)
    {
        OpenPhase open = state.Open.GetValueOrDefault(state.Phase.Value, OpenPhase.Empty);
        int turns = state.PathOrders.Values.Count(order => order.TurnFrom(state.Phase)?.Phase == state.Phase);
        return $"Phase {state.Phase}: {turns - open.Reports.Count} of {turns} paths and {state.ModuleOrders.Count - open.Versions.Count} of {state.ModuleOrders.Count} modules.";
    }

    private static RunDemand DemandOf(RunState state) => state.Status switch
    {
        RunStatus.Paused => RunDemand.Paused,
        RunStatus.Done or RunStatus.Deleting or RunStatus.Deleted => RunDemand.Ended,
        _ => RunDemand.Wanted,
    };

    /// <summary>Whether paths and modules are, or may still be, at work on the present segment.</summary>
    private static bool IsOrdering(RunState state) =>
        state.Status == RunStatus.Training || (state.Status is RunStatus.Paused or RunStatus.Failed && state.Resumes == RunStatus.Training);

    private static bool IsOpen(RunState state, Phase phase, out RecordVerdict verdict)
    {
        bool hasEnded = phase.Value < state.Phase.Value || state.Status is RunStatus.Deleting or RunStatus.Deleted;
        verdict = hasEnded ? RecordVerdict.Known : RecordVerdict.NotYet;
        return !hasEnded && IsOrdering(state) && state.Segment is { } segment && segment.Contains(phase);
    }

    /// <summary>New numbers for the orders, so that everybody takes them as new.</summary>
    private static RunState Ordered(RunState state)
    {
        long number = state.OrderNumber + 1;
        return state with
        {
            OrderNumber = number,
            PathOrders = state.PathOrders.ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value with { Number = number }),
            ModuleOrders = state.ModuleOrders.ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value with { Number = number }),
            UnheardPaths = [.. state.PathOrders.Keys],
            UnheardModules = [.. state.ModuleOrders.Keys],
        };
    }

    /// <summary>Ends phases of which everything is there, and the segment after its last phase.</summary>
    private static RunState Advance(RunState state, DateTimeOffset now)
    {
        while (state.Status == RunStatus.Training && state.Segment is { } segment)
        {
            if (!segment.Contains(state.Phase))
            {
                return state with { Status = RunStatus.BetweenSegments, Since = now, UnheardPaths = [], UnheardModules = [] };
            }

            OpenPhase open = state.Open.GetValueOrDefault(state.Phase.Value, OpenPhase.Empty);
            if (!PhaseEnd.IsComplete(state, open))
            {
                return state;
            }

            PhaseLedger ledger = PhaseEnd.Balance(state, open);
            state = PhaseEnd.Close(state, open, ledger);
            if (ledger.LostSteps + ledger.DuplicatedSteps > 0)
            {
                return Fail(state, $"The ledger of phase {ledger.Phase} does not balance: {ledger.LostSteps} steps are lost, {ledger.DuplicatedSteps} duplicated.", now);
            }
        }

        return state;
    }

    private static RunState Deleted(RunState state, DateTimeOffset now) =>
        state.Status == RunStatus.Deleting && state.UnheardPaths.IsEmpty && state.UnheardModules.IsEmpty && state.StandingHeard == state.StandingNumber
            ? state with { Status = RunStatus.Deleted, Since = now }
            : state;
}
