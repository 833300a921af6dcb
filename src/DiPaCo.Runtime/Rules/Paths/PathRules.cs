using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>
/// One path (paper Algorithm 1, the inner loop): waits until its own modules have reached the version that its phase starts from,
/// trains, delivers to its modules, and goes on. It meets nobody but its modules; there is no global barrier.
/// </summary>
public static class PathRules
{
    /// <summary>A run gives an order. A later one for the same segment makes a path that failed try again.</summary>
    public static (PathState State, OrderReply Reply) Order(PathState state, PathOrder order, DateTimeOffset now)
    {
        if (state.Status == PathStatus.Deleted || state.Order?.Number >= order.Number)
        {
            return (state, new OrderReply(order.Number, OrderVerdict.Known));
        }

        if (state.Order is { } before && before.Segment == order.Segment)
        {
            PathStatus status = state.Status == PathStatus.Failed ? state.FailedIn : state.Status;
            state = state with { Order = order, Status = status, Since = now, Failure = null, FailureHeard = false };
            return (Advance(state, now), new OrderReply(order.Number, OrderVerdict.Taken));
        }

        // A run that begins a segment knows all versions at its start. Whatever was delivered for them has arrived, acknowledged or not.
        if (state.Status is not (PathStatus.Resting or PathStatus.Delivering) || (state.Order is { } last && last.Segment.End != order.Segment.First)
            || (state.Status == PathStatus.Delivering && state.Order!.TurnFrom(state.Phase.Next) is not null))
        {
            string reason = $"Path {state.Path} is {state.Status} in phase {state.Phase} of the segment before.";
            return (state, new OrderReply(order.Number, OrderVerdict.Busy, reason));
        }

        state = state with
        {
            Order = order,
            Optimizer = order.Optimizer,
            StepsMade = order.StepsMade,
            Undelivered = [],
        };
        return (Turn(state, order.Segment.First, now), new OrderReply(order.Number, OrderVerdict.Taken));
    }

    /// <summary>A module has published a version. The answer is the newest version that the path knows.</summary>
    public static (PathState State, Phase Heard) Hear(PathState state, ModuleVersion version, DateTimeOffset now)
    {
        if (state.Status == PathStatus.Deleted || (state.Modules.TryGetValue(version.Module, out ModuleVersion? known) && known.Version.Value >= version.Version.Value))
        {
            return (state, state.Modules.GetValueOrDefault(version.Module, version).Version);
        }

        state = state with
        {
            Modules = state.Modules.SetItem(version.Module, version),
            // A version that is out is made of what was delivered for it.
            Undelivered = state.Undelivered.RemoveAll(each => each.Module == version.Module && each.Phase.Value < version.Version.Value),
        };
        return (Advance(state, now), version.Version);
    }

    /// <summary>The training task that has to be computed now; null: modules are missing, or it is under way.</summary>
    public static NeededTraining? TaskNeeded(PathState state)
    {
        if (state is not { Status: PathStatus.WaitingForModules, Order: { } order } || order.TurnFrom(state.Phase) is not { } turn)
        {
            return null;
        }

        ImmutableArray<ModuleVersion>.Builder modules = ImmutableArray.CreateBuilder<ModuleVersion>(order.Modules.Length);
        foreach (ModuleId module in order.Modules)
        {
            if (!state.Modules.TryGetValue(module, out ModuleVersion? version) || version.Version != state.Phase)
            {
                return null;
            }

            modules.Add(version);
        }

        return new NeededTraining(state.Path, state.Phase, turn.Steps, state.StepsMade, modules.MoveToImmutable(), state.Optimizer);
    }

    /// <summary>The phase has got a task.</summary>
    /// <param name="state">A path with <see cref="TaskNeeded"/>.</param>
    /// <param name="task">The task that computes it.</param>
    /// <param name="now">Now.</param>
    /// <exception cref="InvalidOperationException">It needs none.</exception>
    public static PathState Start(PathState state, TaskDemand task, DateTimeOffset now) => TaskNeeded(state) is not null
        ? state with { Status = PathStatus.Training, Task = task, Since = now }
        : throw new InvalidOperationException($"Path {state.Path} needs no task: it is {state.Status} in phase {state.Phase}.");

    /// <summary>The training task is done. The result of any other task means nothing.</summary>
    /// <exception cref="ArgumentException">The result lacks one of the path's modules.</exception>
    public static PathState Trained(PathState state, TaskKey key, TrainedPhase result, DateTimeOffset now)
    {
        bool isExpected = state.Status == PathStatus.Training || (state.Status == PathStatus.Failed && state.FailedIn == PathStatus.Training);
        if (!isExpected || state.Task?.Key != key)
        {
            return state;
        }

        PathOrder order = state.Order!;
        int steps = order.TurnFrom(state.Phase)!.Value.Steps;
        ImmutableArray<PathContribution>.Builder contributions = ImmutableArray.CreateBuilder<PathContribution>(order.Modules.Length);
        foreach (ModuleId module in order.Modules)
        {
            contributions.Add(result.Modules.TryGetValue(module, out BlobHash blob)
                ? new PathContribution(state.Path, module, state.Phase, blob, order.Weight)
                : throw new ArgumentException($"The result of task {key} lacks module {module} of path {state.Path}.", nameof(result)));
        }

        LedgerEntry entry = new(state.Path, state.Phase, key, state.StepsMade, steps, result.Sequences, result.Tokens, result.Fingerprint);
        return state with
        {
            Status = PathStatus.Delivering,
            Since = now,
            Task = null,
            Failure = null,
            FailureHeard = false,
            Optimizer = result.Optimizer,
            StepsMade = state.StepsMade + steps,
            Undelivered = contributions.MoveToImmutable(),
            Unrecorded = state.Unrecorded.Add(new PathReport(entry, result.Optimizer)),
        };
    }

    /// <summary>The training task was given up. Said again after it was tried again, it means nothing.</summary>
    /// <param name="state">The path.</param>
    /// <param name="key">The task.</param>
    /// <param name="by">The last lease of the task: <see cref="TaskSettled.SettledBy"/>.</param>
    /// <param name="reason">Why.</param>
    /// <param name="now">Now.</param>
    public static PathState GivenUp(PathState state, TaskKey key, LeaseNumber by, string reason, DateTimeOffset now) =>
        state.Status == PathStatus.Training && state.Task?.Key == key && by > state.GivenUpBy ? Fail(state with { GivenUpBy = by }, reason, now) : state;

    /// <summary>A module has answered a contribution.</summary>
    public static PathState Delivered(PathState state, ContributionReply reply, DateTimeOffset now)
    {
        PathContribution? contribution = state.Undelivered.FirstOrDefault(each => each.Module == reply.Module && each.Phase == reply.Phase);
        return contribution is null || state.Status != PathStatus.Delivering ? state : reply.Verdict switch
        {
            ContributionVerdict.Accepted or ContributionVerdict.Known => Advance(state with { Undelivered = state.Undelivered.Remove(contribution) }, now),
            ContributionVerdict.Ahead => state,
            _ => Fail(state, reply.Reason ?? $"Module {reply.Module} does not take what path {state.Path} has trained.", now),
        };
    }

    /// <summary>The run has recorded a phase.</summary>
    public static PathState Recorded(PathState state, Phase phase)
    {
        ImmutableArray<PathReport> left = state.Unrecorded.RemoveAll(report => report.Ledger.Phase == phase);
        return left.Length == state.Unrecorded.Length ? state : state with { Unrecorded = left };
    }

    /// <summary>The run knows of a failure under an order.</summary>
    public static PathState FailureHeard(PathState state, long number) =>
        state.Status == PathStatus.Failed && state.Order?.Number == number ? state with { FailureHeard = true } : state;

    /// <summary>The run is deleted: nothing is left to do or to say.</summary>
    public static PathState Delete(PathState state, DateTimeOffset now) =>
        state.Status == PathStatus.Deleted ? state : new PathState(state.Run, state.Path) { Status = PathStatus.Deleted, Since = now };

    /// <summary>What has to be said until it is acknowledged.</summary>
    public static PathOutstanding Outstanding(PathState state) => new(
        state.Status == PathStatus.Training ? state.Task : null,
        state.Status == PathStatus.Delivering ? state.Undelivered : [],
        state.Unrecorded,
        state is { Status: PathStatus.Failed, FailureHeard: false, Failure: { } reason, Order: { } order }
            ? new PartyFailure(TaskOwner.Of(state.Path), order.Number, reason)
            : null);

    /// <summary>What it waits on, for people.</summary>
    public static PartyWait WaitsOn(PathState state) => new(
        state.Status switch
        {
            PathStatus.WaitingForModules => $"Version {state.Phase} of {string.Join(", ", state.Order!.Modules.Where(module => state.Modules.GetValueOrDefault(module)?.Version != state.Phase))}.",
            PathStatus.Training => $"Task {state.Task!.Key}, phase {state.Phase}.",
            PathStatus.Delivering => $"{string.Join(", ", state.Undelivered.Select(each => each.Module))} to take phase {state.Phase}.",
            PathStatus.Failed => $"Somebody to resume the run: {state.Failure}",
            PathStatus.Deleted => "Nothing: the run is deleted.",
            _ => "The run's next segment.",
        },
        state.Since);

    private static PathState Advance(PathState state, DateTimeOffset now)
    {
        if (state.Status == PathStatus.Delivering && state.Undelivered.IsEmpty)
        {
            return Turn(state, state.Phase.Next, now);
        }

        if (state.Status == PathStatus.WaitingForModules)
        {
            foreach (ModuleId module in state.Order!.Modules)
            {
                if (state.Modules.TryGetValue(module, out ModuleVersion? version) && version.Version.Value > state.Phase.Value)
                {
                    return Fail(state, $"Module {module} is at version {version.Version}, but path {state.Path} has not trained phase {state.Phase} for it.", now);
                }
            }
        }

        return state;
    }

    /// <summary>Goes on to the next turn at or after a phase, or comes to rest.</summary>
    private static PathState Turn(PathState state, Phase from, DateTimeOffset now) => state.Order!.TurnFrom(from) is { } turn
        ? Advance(state with { Status = PathStatus.WaitingForModules, Phase = turn.Phase, Since = now }, now)
        : state with { Status = PathStatus.Resting, Phase = state.Order.Segment.End, Since = now };

    private static PathState Fail(PathState state, string reason, DateTimeOffset now) =>
        state with { Status = PathStatus.Failed, FailedIn = state.Status, Failure = reason, FailureHeard = false, Since = now };
}
