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
    public static RunRecord Begin(
        RunRecord state, Segment segment, ImmutableSortedDictionary<PathId, PathOrder> paths, ImmutableSortedDictionary<ModuleId, ModuleOrder> modules,
        DateTimeOffset now)
    {
        if (state.Segment == segment)
        {
            return state;
        }

        if (state.Stage is not (RunStage.Preparing or RunStage.BetweenSegments))
        {
            throw new InvalidOperationException($"Run {state.Run} cannot begin phases {segment.First} to {segment.End}: it is {state.Stage}.");
        }

        if (segment.End.Value <= segment.First.Value || (state.Segment is { } before && before.End != segment.First))
        {
            throw new ArgumentException($"Phases {segment.First} to {segment.End} do not follow phase {state.Phase}.", nameof(segment));
        }

        state = state with
        {
            Stage = RunStage.Training,
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
    public static RunRecord Heard(RunRecord state, PathId path, OrderReply reply, DateTimeOffset now) =>
        reply.Number != state.OrderNumber || reply.Verdict == OrderVerdict.Busy || !IsOrdering(state) ? state
        : reply.Verdict == OrderVerdict.Contradiction ? Fail(state, reply.Reason ?? $"Path {path} cannot carry out its order.", now)
        : state with { UnheardPaths = state.UnheardPaths.Remove(path) };

    /// <summary>A module has answered an order.</summary>
    public static RunRecord Heard(RunRecord state, ModuleId module, OrderReply reply, DateTimeOffset now) =>
        reply.Number != state.OrderNumber || reply.Verdict == OrderVerdict.Busy || !IsOrdering(state) ? state
        : reply.Verdict == OrderVerdict.Contradiction ? Fail(state, reply.Reason ?? $"Module {module} cannot carry out its order.", now)
        : state with { UnheardModules = state.UnheardModules.Remove(module) };

    /// <summary>A path has trained a phase: it goes into the ledger, once.</summary>
    public static (RunRecord State, RecordVerdict Verdict) Record(RunRecord state, PathReport report, DateTimeOffset now)
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
    public static (RunRecord State, RecordVerdict Verdict) Record(RunRecord state, ModuleVersion version, DateTimeOffset now)
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
    public static (RunRecord State, long Number) Failed(RunRecord state, PartyFailure failure, DateTimeOffset now) =>
        state.Stage == RunStage.Paused ? (state, 0)
        : failure.Number == state.OrderNumber && IsOrdering(state) ? (Fail(state, failure.Reason, now), failure.Number)
        : (state, failure.Number);

    /// <summary>The recipe cannot go on: preparation, validation, re-sharding or evaluation has failed.</summary>
    public static RunRecord Fail(RunRecord state, string reason, DateTimeOffset now) => state.Stage switch
    {
        RunStage.Failed or RunStage.Done or RunStage.Deleting or RunStage.Deleted => state,
        RunStage.Paused => state with { Stage = RunStage.Failed, Failure = reason, Since = now, StandingNumber = state.StandingNumber + 1 },
        _ => state with { Stage = RunStage.Failed, Resumes = state.Stage, Failure = reason, Since = now },
    };

    /// <summary>Somebody stops the run: no task of it is leased, and those that are computed are handed back.</summary>
    public static RunRecord Pause(RunRecord state, DateTimeOffset now) =>
        state.Stage is RunStage.Paused or RunStage.Failed or RunStage.Done or RunStage.Deleting or RunStage.Deleted
            ? state
            : state with { Stage = RunStage.Paused, Resumes = state.Stage, Since = now, StandingNumber = state.StandingNumber + 1 };

    /// <summary>Somebody lets the run go on, after a pause or after the cause of a failure is gone: who failed tries again.</summary>
    public static RunRecord Resume(RunRecord state, DateTimeOffset now)
    {
        if (state.Stage is not (RunStage.Paused or RunStage.Failed))
        {
            return state;
        }

        bool hasFailed = state.Stage == RunStage.Failed;
        state = state with { Stage = state.Resumes, Failure = null, Since = now, StandingNumber = state.StandingNumber + (hasFailed ? 0 : 1) };
        return Advance(hasFailed && state.Stage == RunStage.Training ? Ordered(state) : state, now);
    }

    /// <summary>No segment is left: evaluation begins.</summary>
    /// <exception cref="InvalidOperationException">The run is not between two segments.</exception>
    public static RunRecord Finish(RunRecord state, DateTimeOffset now) => state.Stage switch
    {
        RunStage.Finishing => state,
        RunStage.BetweenSegments => state with { Stage = RunStage.Finishing, Since = now },
        _ => throw new InvalidOperationException($"Run {state.Run} cannot finish: it is {state.Stage}."),
    };

    /// <summary>Evaluation is done.</summary>
    /// <exception cref="InvalidOperationException">The run has not begun to finish.</exception>
    public static RunRecord Finished(RunRecord state, DateTimeOffset now) => state.Stage switch
    {
        RunStage.Done => state,
        RunStage.Finishing => state with { Stage = RunStage.Done, Since = now, StandingNumber = state.StandingNumber + 1 },
        _ => throw new InvalidOperationException($"Run {state.Run} is not finished: it is {state.Stage}."),
    };

    /// <summary>Somebody deletes the run, whatever it does.</summary>
    public static RunRecord Delete(RunRecord state, DateTimeOffset now) => state.Stage is RunStage.Deleting or RunStage.Deleted ? state : Deleted(
        state with
        {
            Stage = RunStage.Deleting,
            Since = now,
            StandingNumber = state.StandingNumber + 1,
            UnheardPaths = [.. state.PathOrders.Keys],
            UnheardModules = [.. state.ModuleOrders.Keys],
        },
        now);

    /// <summary>A path knows that the run is deleted.</summary>
    public static RunRecord DeletionHeard(RunRecord state, PathId path, DateTimeOffset now) =>
        state.Stage == RunStage.Deleting ? Deleted(state with { UnheardPaths = state.UnheardPaths.Remove(path) }, now) : state;

    /// <summary>A module knows that the run is deleted.</summary>
    public static RunRecord DeletionHeard(RunRecord state, ModuleId module, DateTimeOffset now) =>
        state.Stage == RunStage.Deleting ? Deleted(state with { UnheardModules = state.UnheardModules.Remove(module) }, now) : state;

    /// <summary>The dispatcher knows what the run wants of its tasks.</summary>
    public static RunRecord StandingHeard(RunRecord state, long number, DateTimeOffset now) =>
        number <= state.StandingHeard || number > state.StandingNumber ? state : Deleted(state with { StandingHeard = number }, now);

    /// <summary>What has to be said until it is acknowledged.</summary>
    public static RunOutstanding Outstanding(RunRecord state)
    {
        bool isDeleting = state.Stage == RunStage.Deleting;
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
    public static PartyWait WaitsOn(RunRecord state) => new(
        state.Stage switch
        {
            RunStage.Preparing => "The recipe to prepare corpus, base model and shards.",
            RunStage.Training => TrainingWait(state),
            RunStage.BetweenSegments => "The recipe to validate, and to shard anew.",
            RunStage.Finishing => "The recipe to evaluate.",
            RunStage.Paused => "Somebody to resume it.",
            RunStage.Failed => $"Somebody to resume it: {state.Failure}",
            RunStage.Deleting => $"{state.UnheardPaths.Count} paths and {state.UnheardModules.Count} modules to forget it.",
            _ => "Nothing.",
        },
        state.Since);

    private static string TrainingWait(RunRecord state)
    {
        OpenPhase open = state.Open.GetValueOrDefault(state.Phase.Value, OpenPhase.Empty);
        int turns = state.PathOrders.Values.Count(order => order.TurnFrom(state.Phase)?.Phase == state.Phase);
        return $"Phase {state.Phase}: {turns - open.Reports.Count} of {turns} paths and {state.ModuleOrders.Count - open.Versions.Count} of {state.ModuleOrders.Count} modules.";
    }

    private static RunDemand DemandOf(RunRecord state) => state.Stage switch
    {
        RunStage.Paused => RunDemand.Paused,
        RunStage.Done or RunStage.Deleting or RunStage.Deleted => RunDemand.Ended,
        _ => RunDemand.Wanted,
    };

    /// <summary>Whether paths and modules are, or may still be, at work on the present segment.</summary>
    private static bool IsOrdering(RunRecord state) =>
        state.Stage == RunStage.Training || (state.Stage is RunStage.Paused or RunStage.Failed && state.Resumes == RunStage.Training);

    private static bool IsOpen(RunRecord state, Phase phase, out RecordVerdict verdict)
    {
        bool hasEnded = phase.Value < state.Phase.Value || state.Stage is RunStage.Deleting or RunStage.Deleted;
        verdict = hasEnded ? RecordVerdict.Known : RecordVerdict.NotYet;
        return !hasEnded && IsOrdering(state) && state.Segment is { } segment && segment.Contains(phase);
    }

    /// <summary>New numbers for the orders, so that everybody takes them as new.</summary>
    private static RunRecord Ordered(RunRecord state)
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
    private static RunRecord Advance(RunRecord state, DateTimeOffset now)
    {
        while (state.Stage == RunStage.Training && state.Segment is { } segment)
        {
            if (!segment.Contains(state.Phase))
            {
                return state with { Stage = RunStage.BetweenSegments, Since = now, UnheardPaths = [], UnheardModules = [] };
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

    private static RunRecord Deleted(RunRecord state, DateTimeOffset now) =>
        state.Stage == RunStage.Deleting && state.UnheardPaths.IsEmpty && state.UnheardModules.IsEmpty && state.StandingHeard == state.StandingNumber
            ? state with { Stage = RunStage.Deleted, Since = now }
            : state;
}
