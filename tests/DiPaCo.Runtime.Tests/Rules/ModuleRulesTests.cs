using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using Xunit;
using static DiPaCo.Runtime.Tests.Rules.DispatcherBench;

namespace DiPaCo.Runtime.Tests.Rules;

/// <summary>Versions of a module: made once, of exactly their paths' contributions.</summary>
public sealed class ModuleRulesTests
{
    private static readonly ModuleId Module = new("level1.expert0");
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TaskDemand Fold = new(Key("fold"), "fold", Run, TaskOwner.Of(Module));
    private static readonly TaskDemand Task = new(Key("outer"), "outer", Run, TaskOwner.Of(Module));

    [Fact]
    public void TheNextVersion_IsMadeOnceAllItsPathsHaveContributed_AndIsPublishedOnce()
    {
        ModuleState state = Ordered([[0, 1]]);
        (state, _) = ModuleRules.Contribute(state, Of(1, 0, "one"), Now);
        Assert.Null(ModuleRules.TaskNeeded(state));
        Assert.Equal("Paths 0 to bring phase 0.", ModuleRules.WaitsOn(state).Text);
        (state, ContributionReply reply) = ModuleRules.Contribute(state, Of(0, 0, "zero"), Now);
        Assert.Equal(ContributionVerdict.Accepted, reply.Verdict);
        NeededOuterStep needed = ModuleRules.TaskNeeded(state)!;
        Assert.Equal([0, 1], needed.Contributions.Select(contribution => contribution.Path.Value));
        state = ModuleRules.Start(state, Task, Now);
        Assert.Null(ModuleRules.TaskNeeded(state));
        Assert.Equal(Task, ModuleRules.Outstanding(state).Submit);

        Assert.Same(state, ModuleRules.Stepped(state, Key("another"), Blob("wrong"), null, Now));
        state = ModuleRules.Stepped(state, Task.Key, Blob("next"), Blob("momentum"), Now);
        Assert.Equal(new ModuleVersion(Module, new Phase(1), Blob("next"), Blob("momentum")), state.Latest);
        Assert.Equal(ModuleStatus.Resting, state.Status);
        Assert.Same(state, ModuleRules.Stepped(state, Task.Key, Blob("again"), null, Now));
    }

    [Fact]
    public void ASecondContribution_IsKnownWhenItIsTheSame_AndAContradictionOtherwise_AlsoAfterwards()
    {
        ModuleState state = Ordered([[0, 1], [0, 1]]);
        (state, _) = ModuleRules.Contribute(state, Of(0, 0, "zero"), Now);
        Assert.Equal(ContributionVerdict.Known, Verdict(state, Of(0, 0, "zero")));
        Assert.Equal(ContributionVerdict.Contradiction, Verdict(state, Of(0, 0, "other")));
        Assert.Equal(ContributionVerdict.Contradiction, Verdict(state, Of(0, 0, "zero") with { Weight = 2 }));
        (state, _) = ModuleRules.Contribute(state, Of(1, 0, "one"), Now);
        state = ModuleRules.Stepped(ModuleRules.Start(state, Task, Now), Task.Key, Blob("next"), null, Now);

        Assert.Equal(ContributionVerdict.Known, Verdict(state, Of(0, 0, "zero")));
        Assert.Equal(ContributionVerdict.Contradiction, Verdict(state, Of(0, 0, "other")));
        Assert.Equal(ContributionVerdict.Accepted, Verdict(state, Of(0, 1, "later")));
    }

    [Fact]
    public void AContributionAheadOfTheVersion_OrOfAPathWithoutATurn_IsNotTaken()
    {
        ModuleState state = Ordered([[0], [1]]);

        Assert.Equal(ContributionVerdict.Ahead, Verdict(state, Of(1, 1, "early")));
        Assert.Equal(ContributionVerdict.NotExpected, Verdict(state, Of(1, 0, "no turn")));
        Assert.Equal(ContributionVerdict.Ahead, Verdict(new ModuleState(Run, Module), Of(0, 0, "no order")));
    }

    [Fact]
    public void APhaseWithoutPaths_LeavesTheModuleAsItIs_AndAnAdoptingModuleTakesItsOnlyPathsBytes()
    {
        ModuleState state = Ordered([[], [2], []], adopts: true);
        Assert.Equal((1, Blob("fork")), (state.Latest!.Version.Value, state.Latest.Blob));

        (state, _) = ModuleRules.Contribute(state, Of(2, 1, "own"), Now);

        Assert.Equal((3, Blob("own"), ModuleStatus.Resting), (state.Latest!.Version.Value, state.Latest.Blob, state.Status));
        Assert.Equal([1, 2, 3], ModuleRules.Outstanding(state).Versions.Select(version => version.Version.Value));
    }

    [Fact]
    public void EveryVersionIsSaid_UntilPathsAndRunHaveHeardIt()
    {
        ModuleState state = Ordered([[0], [0]]);
        Assert.Equal([0, 1, 2], ModuleRules.Outstanding(state).Uninformed.Select(path => path.Value));
        (state, _) = ModuleRules.Contribute(state, Of(0, 0, "zero"), Now);
        state = ModuleRules.Stepped(ModuleRules.Start(state, Task, Now), Task.Key, Blob("next"), null, Now);
        state = ModuleRules.Heard(state, new PathId(0), new Phase(1));
        state = ModuleRules.Heard(state, new PathId(0), new Phase(0));
        state = ModuleRules.Heard(state, new PathId(1), new Phase(0));

        ModuleOutstanding outstanding = ModuleRules.Outstanding(state);
        Assert.Equal([1, 2], outstanding.Uninformed.Select(path => path.Value));
        Assert.Equal(state.Latest, Assert.Single(outstanding.Versions));
        state = ModuleRules.Recorded(state, new Phase(1));
        Assert.Empty(ModuleRules.Outstanding(state).Versions);
    }

    [Fact]
    public void AFailedOuterStep_IsTriedAgainUnderTheNextOrder_AndItsLateNewsMeansNothing()
    {
        ModuleState state = Ordered([[0]]);
        (state, _) = ModuleRules.Contribute(state, Of(0, 0, "zero"), Now);
        state = ModuleRules.GivenUp(ModuleRules.Start(state, Task, Now), Task.Key, new LeaseNumber(7), "No disk.", Now);
        Assert.Equal(new PartyFailure(TaskOwner.Of(Module), 1, "No disk."), ModuleRules.Outstanding(state).Failure);
        state = ModuleRules.FailureHeard(state, 1);
        Assert.Null(ModuleRules.Outstanding(state).Failure);

        (state, _) = ModuleRules.Order(state, Order([[0]]) with { Number = 2 }, Now);
        Assert.Equal(Task, ModuleRules.Outstanding(state).Submit);
        Assert.Same(state, ModuleRules.GivenUp(state, Task.Key, new LeaseNumber(7), "No disk.", Now));
        Assert.Equal(ModuleStatus.Failed, ModuleRules.GivenUp(state, Task.Key, new LeaseNumber(8), "No disk.", Now).Status);
    }

    [Fact]
    public void GroupsOfNeighbors_AreFoldedInTheOrderOfPaths_WhoeverComesFirst_AndTheOuterStepTakesTheLastOne()
    {
        ModuleState state = Folding([[0, 2, 3, 5, 6]], foldPaths: 2);
        state = Contributed(state, 3, 5);
        Assert.Null(ModuleRules.FoldNeeded(state));
        state = Contributed(state, 0, 2);
        NeededFold first = ModuleRules.FoldNeeded(state)!;
        Assert.Equal([0, 2], first.Contributions.Select(each => each.Path.Value));
        Assert.Null(first.Before);
        state = ModuleRules.StartFold(state, Fold, Now);
        Assert.Equal((null, Fold), (ModuleRules.FoldNeeded(state), ModuleRules.Outstanding(state).Submit));
        Assert.Throws<InvalidOperationException>(() => ModuleRules.StartFold(state, Fold, Now));

        // It takes others meanwhile, and knows who has come already.
        state = Contributed(state, 6);
        Assert.Equal(ContributionVerdict.Known, Verdict(state, Of(2, 0, "2")));
        Assert.Equal(ContributionVerdict.Contradiction, Verdict(state, Of(2, 0, "other")));
        Assert.Same(state, ModuleRules.FoldMade(state, Key("another"), Blob("wrong"), Now));
        state = ModuleRules.FoldMade(state, Fold.Key, Blob("sums"), Now);
        Assert.Same(state, ModuleRules.FoldMade(state, Fold.Key, Blob("again"), Now));
        Assert.Null(ModuleRules.TaskNeeded(state));
        NeededFold second = ModuleRules.FoldNeeded(state)!;
        Assert.Equal([3, 5], second.Contributions.Select(each => each.Path.Value));
        Assert.Equal(new FoldedGroups(Blob("sums"), 2), second.Before);
        state = ModuleRules.FoldMade(ModuleRules.StartFold(state, Fold, Now), Fold.Key, Blob("more"), Now);

        NeededOuterStep step = ModuleRules.TaskNeeded(state)!;
        Assert.Null(ModuleRules.FoldNeeded(state));
        Assert.Equal(new FoldedGroups(Blob("more"), 4), step.Folded);
        Assert.Equal([0, 2, 3, 5, 6], step.Contributions.Select(each => each.Path.Value));
        state = ModuleRules.Stepped(ModuleRules.Start(state, Task, Now), Task.Key, Blob("next"), null, Now);
        Assert.Null(state.Folded);
    }

    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(1, 0, 1, 4)]
    [InlineData(2, 0, 0, 4)]
    [InlineData(3, 0, 0, 3)]
    [InlineData(5, 0, 0, 0)]
    public void TheLastGroupIsNeverFolded_NorAModuleWithNoMorePathsThanAGroupHas(int foldPaths, int none, int two, int five)
    {
        ModuleOrder order = Order([[], [0, 1], [0, 1, 2, 3, 4]]) with { FoldPaths = foldPaths };

        Assert.Equal([none, two, five], Enumerable.Range(0, 3).Select(phase => order.FoldedIn(new Phase(phase))));
        Assert.All(Enumerable.Range(0, 3), phase => Assert.Equal(0, (order with { Adopts = true }).FoldedIn(new Phase(phase))));
    }

    [Fact]
    public void AFailedFold_IsTriedAgainUnderTheNextOrder_AndItsLateResultCounts()
    {
        ModuleState state = Contributed(Folding([[0, 1]], foldPaths: 1), 0);
        state = ModuleRules.GivenUp(ModuleRules.StartFold(state, Fold, Now), Fold.Key, new LeaseNumber(7), "No disk.", Now);
        Assert.Equal(ModuleStatus.Failed, state.Status);
        state = Contributed(state, 1);
        ModuleState late = ModuleRules.FoldMade(state, Fold.Key, Blob("sums"), Now);
        Assert.Equal((new FoldedGroups(Blob("sums"), 1), null), (ModuleRules.TaskNeeded(late)!.Folded, late.Failure));

        (state, _) = ModuleRules.Order(state, Order([[0, 1]]) with { Number = 2, FoldPaths = 1 }, Now);
        Assert.Equal((ModuleStatus.Folding, Fold), (state.Status, ModuleRules.Outstanding(state).Submit));
        Assert.Contains("A fold on the way to version 1", ModuleRules.WaitsOn(state).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void AnOrder_IsTakenOnce_WaitsForTheSegmentBefore_AndMustStartFromTheLatestVersion()
    {
        ModuleState state = Ordered([[0]]);
        Assert.Equal(OrderVerdict.Known, ModuleRules.Order(state, Order([[0]]), Now).Reply.Verdict);
        ModuleOrder next = new(2, new Segment(new Phase(1), new Phase(2)), new ModuleVersion(Module, new Phase(1), Blob("next"), null), [[new PathId(0)]], [new PathId(0)], false);
        Assert.Equal(OrderVerdict.Busy, ModuleRules.Order(state, next, Now).Reply.Verdict);
        (state, _) = ModuleRules.Contribute(state, Of(0, 0, "zero"), Now);
        state = ModuleRules.Stepped(ModuleRules.Start(state, Task, Now), Task.Key, Blob("next"), null, Now);

        Assert.Equal(OrderVerdict.Contradiction, ModuleRules.Order(state, next with { Start = next.Start with { Blob = Blob("other") } }, Now).Reply.Verdict);
        Assert.Equal(OrderVerdict.Taken, ModuleRules.Order(state, next, Now).Reply.Verdict);
    }

    [Fact]
    public void TheState_ComesBackFromItsJson()
    {
        ModuleState state = Ordered([[0, 1], [0]]);
        (state, _) = ModuleRules.Contribute(state, Of(0, 0, "zero"), Now);
        state = ModuleRules.Heard(state, new PathId(0), new Phase(0)) with { Folded = new FoldedGroups(Blob("sums"), 1) };

        byte[] json = RulesJson.Write(state);

        Assert.Equal(json, RulesJson.Write(RulesJson.Read<ModuleState>(json)));
        Assert.Contains("\"contributions\":{\"0\":{", System.Text.Encoding.UTF8.GetString(json), StringComparison.Ordinal);
    }

    private static ContributionVerdict Verdict(ModuleState state, PathContribution contribution) => ModuleRules.Contribute(state, contribution, Now).Reply.Verdict;

    private static ModuleState Folding(int[][] expected, int foldPaths) =>
        ModuleRules.Order(new ModuleState(Run, Module), Order(expected) with { FoldPaths = foldPaths }, Now).State;

    private static ModuleState Contributed(ModuleState state, params int[] paths) => paths.Aggregate(
        state, (all, path) => ModuleRules.Contribute(all, Of(path, 0, $"{path}"), Now).State);

    private static PathContribution Of(int path, int phase, string blob) => new(new PathId(path), Module, new Phase(phase), Blob(blob), 1);

    private static ModuleOrder Order(int[][] expected, bool adopts = false) => new(
        1, new Segment(new Phase(0), new Phase(expected.Length)), new ModuleVersion(Module, new Phase(0), Blob("fork"), null),
        [.. expected.Select(paths => paths.Select(path => new PathId(path)).ToImmutableArray())], [new PathId(0), new PathId(1), new PathId(2)], adopts);

    private static ModuleState Ordered(int[][] expected, bool adopts = false)
    {
        (ModuleState state, OrderReply reply) = ModuleRules.Order(new ModuleState(Run, Module), Order(expected, adopts), Now);
        Assert.Equal(OrderVerdict.Taken, reply.Verdict);
        return state;
    }
}
