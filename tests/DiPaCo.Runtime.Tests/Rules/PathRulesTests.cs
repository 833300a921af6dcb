using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using Xunit;
using static DiPaCo.Runtime.Tests.Rules.DispatcherBench;

namespace DiPaCo.Runtime.Tests.Rules;

/// <summary>A path goes from phase to phase as soon as its own modules let it.</summary>
public sealed class PathRulesTests
{
    private static readonly PathId Path = new(3);
    private static readonly ModuleId Lower = new("level1.expert0"), Upper = new("level2.expert1");
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TaskDemand Task = new(Key("train"), "train", Run, TaskOwner.Of(Path));

    [Fact]
    public void APhaseStarts_AsSoonAsThePathsOwnModulesAreThere()
    {
        PathState state = Ordered();
        (state, _) = PathRules.Hear(state, Version(Upper, 0), Now);
        Assert.Null(PathRules.TaskNeeded(state));
        Assert.Equal("Version 0 of level1.expert0.", PathRules.WaitsOn(state).Text);
        (state, Phase heard) = PathRules.Hear(state, Version(Lower, 0), Now);

        Assert.Equal(0, heard.Value);
        NeededTraining needed = PathRules.TaskNeeded(state)!;
        Assert.Equal([Lower, Upper], needed.Modules.Select(module => module.Module));
        Assert.Equal((10, 0L, (BlobHash?)null), (needed.Steps, needed.FirstStep, needed.Optimizer));
        Assert.Throws<InvalidOperationException>(() => PathRules.Start(PathRules.Start(state, Task, Now), Task, Now));
    }

    [Fact]
    public void WhatWasTrained_IsDeliveredToEachModule_AndReportedOnce()
    {
        PathState state = Trained();
        PathOutstanding outstanding = PathRules.Outstanding(state);
        Assert.Equal([Lower, Upper], outstanding.Contributions.Select(contribution => contribution.Module));
        Assert.Equal(0.5, outstanding.Contributions[0].Weight);
        PathReport report = Assert.Single(outstanding.Reports);
        Assert.Equal(new LedgerEntry(Path, new Phase(0), Task.Key, 0, 10, 7, 700, "one"), report.Ledger);

        Assert.Same(state, PathRules.Trained(state, Task.Key, Result("again"), Now));
        state = PathRules.Delivered(state, new ContributionReply(Lower, new Phase(0), ContributionVerdict.Ahead), Now);
        state = PathRules.Delivered(state, new ContributionReply(Lower, new Phase(0), ContributionVerdict.Known), Now);
        Assert.Equal([Upper], PathRules.Outstanding(state).Contributions.Select(contribution => contribution.Module));
        state = PathRules.Recorded(state, new Phase(0));
        Assert.Empty(PathRules.Outstanding(state).Reports);
        state = PathRules.Delivered(state, new ContributionReply(Upper, new Phase(0), ContributionVerdict.Accepted), Now);
        Assert.Equal((PathStatus.WaitingForModules, 2, 10L), (state.Status, state.Phase.Value, state.StepsMade));
    }

    [Fact]
    public void APublishedVersion_StandsForTheAcknowledgementOfWhatItIsMadeOf()
    {
        PathState state = Trained();
        (state, _) = PathRules.Hear(state, Version(Lower, 1), Now);
        (state, _) = PathRules.Hear(state, Version(Upper, 1), Now);

        Assert.Equal((PathStatus.WaitingForModules, 2), (state.Status, state.Phase.Value));
        Assert.Null(PathRules.TaskNeeded(state));
        (state, Phase heard) = PathRules.Hear(state, Version(Upper, 0), Now);
        Assert.Equal(1, heard.Value);
    }

    [Fact]
    public void APath_RestsAfterItsLastTurn_AndTakesTheNextSegmentsOrder()
    {
        PathState state = Trained(turns: [0]);
        Assert.Equal(OrderVerdict.Known, PathRules.Order(state, Order([0]), Now).Reply.Verdict);
        Assert.Equal(OrderVerdict.Busy, PathRules.Order(Ordered(), Next(), Now).Reply.Verdict);

        // The acknowledgement was lost, but a run that goes on knows that everything has arrived.
        (state, OrderReply reply) = PathRules.Order(state, Next(), Now);

        Assert.Equal(OrderVerdict.Taken, reply.Verdict);
        Assert.Empty(state.Undelivered);
        Assert.Equal((PathStatus.WaitingForModules, 3, 42L, Blob("moments")), (state.Status, state.Phase.Value, state.StepsMade, state.Optimizer));
    }

    [Fact]
    public void AContradiction_FailsThePath_InsteadOfWaitingForEver()
    {
        PathState state = PathRules.Delivered(Trained(), new ContributionReply(Lower, new Phase(0), ContributionVerdict.Contradiction, "Other bytes."), Now);
        Assert.Equal("Other bytes.", PathRules.Outstanding(state).Failure!.Reason);

        PathState overtaken = Ordered();
        (overtaken, _) = PathRules.Hear(overtaken, Version(Lower, 1), Now);
        Assert.Contains("has not trained phase 0", PathRules.Outstanding(overtaken).Failure!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailedTask_IsTriedAgainUnderTheNextOrder_AndItsLateNewsMeansNothing()
    {
        PathState state = PathRules.GivenUp(Training(), Task.Key, new LeaseNumber(7), "No disk.", Now);
        Assert.Equal(1, PathRules.Outstanding(state).Failure!.Number);
        state = PathRules.FailureHeard(state, 1);
        (state, _) = PathRules.Order(state, Order([0, 2]) with { Number = 2 }, Now);

        Assert.Equal(Task, PathRules.Outstanding(state).Submit);
        Assert.Same(state, PathRules.GivenUp(state, Task.Key, new LeaseNumber(7), "No disk.", Now));
        Assert.Equal(PathStatus.Delivering, PathRules.Trained(state, Task.Key, Result("late"), Now).Status);
    }

    [Fact]
    public void AResultWithoutOneOfTheModules_IsABug() =>
        Assert.Contains(
            Upper.Name,
            Assert.Throws<ArgumentException>(() => PathRules.Trained(
                Training(), Task.Key, Result("x") with { Modules = ImmutableSortedDictionary<ModuleId, BlobHash>.Empty.Add(Lower, Blob("x")) }, Now)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void TheState_ComesBackFromItsJson()
    {
        byte[] json = RulesJson.Write(Trained());

        Assert.Equal(json, RulesJson.Write(RulesJson.Read<PathState>(json)));
    }

    private static ModuleVersion Version(ModuleId module, int version) => new(module, new Phase(version), Blob($"{module} {version}"), null);

    private static PathOrder Order(int[] turns) => new(
        1, new Segment(new Phase(0), new Phase(3)), [.. turns.Select(phase => new PathTurn(new Phase(phase), 10))], [Lower, Upper], null, 0, 0.5);

    private static PathOrder Next() => new(
        2, new Segment(new Phase(3), new Phase(4)), [new PathTurn(new Phase(3), 10)], [Lower, Upper], Blob("moments"), 42, 0.5);

    private static PathState Ordered(int[]? turns = null) => PathRules.Order(new PathState(Run, Path), Order(turns ?? [0, 2]), Now).State;

    private static PathState Training(int[]? turns = null)
    {
        PathState state = Ordered(turns);
        (state, _) = PathRules.Hear(state, Version(Lower, 0), Now);
        (state, _) = PathRules.Hear(state, Version(Upper, 0), Now);
        return PathRules.Start(state, Task, Now);
    }

    private static TrainedPhase Result(string what) => new(
        ImmutableSortedDictionary<ModuleId, BlobHash>.Empty.Add(Lower, Blob(what)).Add(Upper, Blob(what)), Blob("moments"), 7, 700, "one");

    private static PathState Trained(int[]? turns = null) => PathRules.Trained(Training(turns), Task.Key, Result("trained"), Now);
}
