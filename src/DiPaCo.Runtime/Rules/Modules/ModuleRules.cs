using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>
/// One module (paper Algorithm 1, the outer loop): collects what its paths bring in a phase, folds groups of it while others are on their
/// way (paper §3), makes the outer step when all of it is there, publishes the next version once, and goes on with the next phase. It waits for its own paths only; there is no global barrier.
/// </summary>
public static class ModuleRules
{
    /// <summary>A run gives an order. A later one for the same segment makes a module that failed try again.</summary>
    public static (ModuleState State, OrderReply Reply) Order(ModuleState state, ModuleOrder order, DateTimeOffset now)
    {
        if (state.Status == ModuleStatus.Deleted || state.Order?.Number >= order.Number)
        {
            return (state, new OrderReply(order.Number, OrderVerdict.Known));
        }

        if (state.Order is { } before && before.Segment == order.Segment)
        {
            ModuleStatus status = state.Status != ModuleStatus.Failed ? state.Status
                : Folds(before, state.Latest!.Version) > Folded(state) ? ModuleStatus.Folding : ModuleStatus.Stepping;
            return (state with { Order = order, Status = status, Since = now, Failure = null, FailureHeard = false }, new OrderReply(order.Number, OrderVerdict.Taken));
        }

        if (state.Status != ModuleStatus.Resting)
        {
            return (state, new OrderReply(order.Number, OrderVerdict.Busy, $"Module {state.Module} has not ended phase {state.Latest!.Version} of the segment before."));
        }

        if (state.Latest is { } latest && latest != order.Start)
        {
            string reason = $"Module {state.Module} is at version {latest.Version} with blob {latest.Blob}; an order would start at version {order.Start.Version} with blob {order.Start.Blob}.";
            return (state, new OrderReply(order.Number, OrderVerdict.Contradiction, reason));
        }

        state = state with { Order = order, Latest = order.Start, Status = ModuleStatus.Collecting, Since = now };
        return (Advance(state, now), new OrderReply(order.Number, OrderVerdict.Taken));
    }

    /// <summary>A path brings what it has trained.</summary>
    public static (ModuleState State, ContributionReply Reply) Contribute(ModuleState state, PathContribution contribution, DateTimeOffset now)
    {
        (ContributionVerdict verdict, string? reason) = Judge(state, contribution);
        if (verdict == ContributionVerdict.Accepted)
        {
            state = Advance(state with { Contributions = state.Contributions.Add(contribution.Path, contribution) }, now);
        }

        return (state, new ContributionReply(state.Module, contribution.Phase, verdict, reason));
    }

    /// <summary>The outer step that has to be made now; null: contributions or folds are missing, or it is under way.</summary>
    public static NeededOuterStep? TaskNeeded(ModuleState state) =>
        state is { Status: ModuleStatus.Collecting, Order: { Adopts: false } order, Latest: { } latest }
            && IsComplete(state, order, latest.Version) && Folded(state) == Folds(order, latest.Version)
            ? new NeededOuterStep(latest, [.. state.Contributions.Values], state.Folded)
            : null;

    /// <summary>The fold that has to be made now, of the group behind those that are folded; null: none is left, or one of its paths is missing, or it is under way.</summary>
    public static NeededFold? FoldNeeded(ModuleState state)
    {
        if (state is not { Status: ModuleStatus.Collecting, Order: { } order, Latest: { } latest } || Folded(state) >= Folds(order, latest.Version))
        {
            return null;
        }

        ImmutableArray<PathContribution>.Builder group = ImmutableArray.CreateBuilder<PathContribution>(order.FoldPaths);
        foreach (PathId path in order.ExpectedIn(latest.Version).AsSpan().Slice(Folded(state), order.FoldPaths))
        {
            if (!state.Contributions.TryGetValue(path, out PathContribution? contribution))
            {
                return null;
            }

            group.Add(contribution);
        }

        return new NeededFold(latest, state.Folded, group.MoveToImmutable());
    }

    /// <summary>The outer step has got a task.</summary>
    /// <param name="state">A module with <see cref="TaskNeeded"/>.</param>
    /// <param name="task">The task that computes it.</param>
    /// <param name="now">Now.</param>
    /// <exception cref="InvalidOperationException">It needs none.</exception>
    public static ModuleState Start(ModuleState state, TaskDemand task, DateTimeOffset now) => TaskNeeded(state) is not null
        ? state with { Status = ModuleStatus.Stepping, Task = task, Since = now }
        : throw new InvalidOperationException($"Module {state.Module} needs no outer step: it is {state.Status}.");

    /// <summary>The fold has got a task.</summary>
    /// <param name="state">A module with <see cref="FoldNeeded"/>.</param>
    /// <param name="task">The task that computes it.</param>
    /// <param name="now">Now.</param>
    /// <exception cref="InvalidOperationException">It needs none.</exception>
    public static ModuleState StartFold(ModuleState state, TaskDemand task, DateTimeOffset now) => FoldNeeded(state) is not null
        ? state with { Status = ModuleStatus.Folding, Task = task, Since = now }
        : throw new InvalidOperationException($"Module {state.Module} needs no fold: it is {state.Status}.");

    /// <summary>The outer step is made: the next version is published. The result of any other task means nothing.</summary>
    /// <param name="state">The module.</param>
    /// <param name="key">The task.</param>
    /// <param name="blob">The module's parameters.</param>
    /// <param name="momentum">Its momentum.</param>
    /// <param name="now">Now.</param>
    /// <param name="published">What paths train from; null: the parameters themselves.</param>
    public static ModuleState Stepped(ModuleState state, TaskKey key, BlobHash blob, BlobHash? momentum, DateTimeOffset now, PublishedVersion? published = null) =>
        state.Status is ModuleStatus.Stepping or ModuleStatus.Failed && state.Task?.Key == key
            ? Advance(Publish(state with { Failure = null, FailureHeard = false }, blob, momentum, published, now), now)
            : state;

    /// <summary>The fold is made: one group more is folded. The result of any other task means nothing.</summary>
    /// <param name="state">The module.</param>
    /// <param name="key">The task.</param>
    /// <param name="sums">The sums with the group in them.</param>
    /// <param name="now">Now.</param>
    public static ModuleState FoldMade(ModuleState state, TaskKey key, BlobHash sums, DateTimeOffset now) =>
        state.Status is ModuleStatus.Folding or ModuleStatus.Failed && state.Task?.Key == key
            ? state with
            {
                Status = ModuleStatus.Collecting,
                Since = now,
                Folded = new FoldedGroups(sums, Folded(state) + state.Order!.FoldPaths),
                Task = null,
                Failure = null,
                FailureHeard = false,
            }
            : state;

    /// <summary>The outer step or the fold was given up. Said again after it was tried again, it means nothing.</summary>
    /// <param name="state">The module.</param>
    /// <param name="key">The task.</param>
    /// <param name="by">The last lease of the task: <see cref="TaskSettled.SettledBy"/>.</param>
    /// <param name="reason">Why.</param>
    /// <param name="now">Now.</param>
    public static ModuleState GivenUp(ModuleState state, TaskKey key, LeaseNumber by, string reason, DateTimeOffset now) =>
        state.Status is ModuleStatus.Folding or ModuleStatus.Stepping && state.Task?.Key == key && by > state.GivenUpBy
            ? state with { Status = ModuleStatus.Failed, GivenUpBy = by, Failure = reason, FailureHeard = false, Since = now }
            : state;

    /// <summary>A path knows a version.</summary>
    public static ModuleState Heard(ModuleState state, PathId path, Phase version) =>
        state.Heard.TryGetValue(path, out Phase before) && before.Value >= version.Value ? state : state with { Heard = state.Heard.SetItem(path, version) };

    /// <summary>The run has recorded a version.</summary>
    public static ModuleState Recorded(ModuleState state, Phase version)
    {
        ImmutableArray<ModuleVersion> left = state.Unrecorded.RemoveAll(each => each.Version == version);
        return left.Length == state.Unrecorded.Length ? state : state with { Unrecorded = left };
    }

    /// <summary>The run knows of a failure under an order.</summary>
    public static ModuleState FailureHeard(ModuleState state, long number) =>
        state.Status == ModuleStatus.Failed && state.Order?.Number == number ? state with { FailureHeard = true } : state;

    /// <summary>The run is deleted: nothing is left to do or to say.</summary>
    public static ModuleState Delete(ModuleState state, DateTimeOffset now) =>
        state.Status == ModuleStatus.Deleted ? state : new ModuleState(state.Run, state.Module) { Status = ModuleStatus.Deleted, Since = now };

    /// <summary>What has to be said until it is acknowledged.</summary>
    public static ModuleOutstanding Outstanding(ModuleState state)
    {
        ImmutableArray<PathId> uninformed = [];
        if (state is { Order: { } order, Latest: { } latest })
        {
            uninformed = order.Subscribers.RemoveAll(path => state.Heard.TryGetValue(path, out Phase version) && version.Value >= latest.Version.Value);
        }

        return new ModuleOutstanding(
            state.Status is ModuleStatus.Folding or ModuleStatus.Stepping ? state.Task : null, uninformed, state.Latest, state.Unrecorded,
            state is { Status: ModuleStatus.Failed, FailureHeard: false, Failure: { } reason, Order: { } failed }
                ? new PartyFailure(TaskOwner.Of(state.Module), failed.Number, reason)
                : null);
    }

    /// <summary>What it waits on, for people.</summary>
    public static PartyWait WaitsOn(ModuleState state) => new(
        state switch
        {
            { Status: ModuleStatus.Collecting, Order: { } order, Latest: { } latest } =>
                $"Paths {string.Join(", ", order.ExpectedIn(latest.Version).Where(path => !state.Contributions.ContainsKey(path)))} to bring phase {latest.Version}.",
            { Status: ModuleStatus.Folding } => $"A fold on the way to version {state.Latest!.Version.Next}, task {state.Task!.Key}.",
            { Status: ModuleStatus.Stepping } => $"The outer step to version {state.Latest!.Version.Next}, task {state.Task!.Key}.",
            { Status: ModuleStatus.Failed } => $"Somebody to resume the run: {state.Failure}",
            { Status: ModuleStatus.Deleted } => "Nothing: the run is deleted.",
            _ => "The run's next segment.",
        },
        state.Since);

    private static (ContributionVerdict Verdict, string? Reason) Judge(ModuleState state, PathContribution contribution)
    {
        if (state is not { Order: { } order, Latest: { } latest } || contribution.Phase.Value > latest.Version.Value)
        {
            return (ContributionVerdict.Ahead, $"Module {state.Module} is not at version {contribution.Phase} yet.");
        }

        bool isNext = contribution.Phase == latest.Version;
        PathContribution? present = (isNext ? state.Contributions : state.MadeOf).GetValueOrDefault(contribution.Path);
        if (present is not null && present.Phase == contribution.Phase)
        {
            return present == contribution
                ? (ContributionVerdict.Known, null)
                : (ContributionVerdict.Contradiction,
                    $"Path {contribution.Path} has brought {present.Blob} for module {state.Module} in phase {contribution.Phase}, and now {contribution.Blob}.");
        }

        // What came before the newest version is forgotten, and was acknowledged or is part of what all its paths started from.
        return !isNext ? (ContributionVerdict.Known, null)
            : !order.Segment.Contains(contribution.Phase) ? (ContributionVerdict.Ahead, $"Module {state.Module} rests at version {latest.Version}.")
            : order.ExpectedIn(contribution.Phase).Contains(contribution.Path) ? (ContributionVerdict.Accepted, null)
            : (ContributionVerdict.NotExpected, $"Path {contribution.Path} has no turn at module {state.Module} in phase {contribution.Phase}.");
    }

    /// <summary>Publishes what needs no outer step, and comes to rest at the end of the segment.</summary>
    private static ModuleState Advance(ModuleState state, DateTimeOffset now)
    {
        while (state is { Status: ModuleStatus.Collecting, Order: { } order, Latest: { } latest })
        {
            if (!order.Segment.Contains(latest.Version))
            {
                return state with { Status = ModuleStatus.Resting, Since = now };
            }

            if (order.ExpectedIn(latest.Version).IsEmpty)
            {
                state = Publish(state, latest.Blob, latest.Momentum, latest.Published, now);
            }
            else if (order.Adopts && IsComplete(state, order, latest.Version))
            {
                state = Publish(state, state.Contributions.Values.Single().Blob, latest.Momentum, null, now);
            }
            else
            {
                return state;
            }
        }

        return state;
    }

    private static ModuleState Publish(ModuleState state, BlobHash blob, BlobHash? momentum, PublishedVersion? published, DateTimeOffset now)
    {
        ModuleVersion next = new(state.Module, state.Latest!.Version.Next, blob, momentum) { Published = published };
        return state with
        {
            Status = ModuleStatus.Collecting,
            Since = now,
            Latest = next,
            MadeOf = state.Contributions,
            Contributions = state.Contributions.Clear(),
            Folded = null,
            Task = null,
            Unrecorded = state.Unrecorded.Add(next),
        };
    }

    private static int Folded(ModuleState state) => state.Folded?.Paths ?? 0;

    private static int Folds(ModuleOrder order, Phase phase) => order.Segment.Contains(phase) ? order.FoldedIn(phase) : 0;

    private static bool IsComplete(ModuleState state, ModuleOrder order, Phase phase)
    {
        if (!order.Segment.Contains(phase))
        {
            return false;
        }

        foreach (PathId path in order.ExpectedIn(phase))
        {
            if (!state.Contributions.ContainsKey(path))
            {
                return false;
            }
        }

        return state.Contributions.Count > 0;
    }
}
