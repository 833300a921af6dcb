using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using Xunit;
using static DiPaCo.Runtime.Tests.Rules.DispatcherBench;

namespace DiPaCo.Runtime.Tests.Rules;

/// <summary>A run's segments, and its ledger.</summary>
public sealed class RunRulesTests
{
    private static readonly ModuleId Module = new("level1.expert0");
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void ARun_GoesThroughItsSegments_AndIsDone()
    {
        RunRecord state = Begun();
        Assert.Equal(RunStage.Training, state.Stage);
        Assert.Same(state, Begin(state, 0, 2));
        Assert.Throws<InvalidOperationException>(() => Begin(state, 2, 3));
        state = EndPhase(EndPhase(state, 0), 1);
        Assert.Equal(RunStage.BetweenSegments, state.Stage);
        Assert.Throws<ArgumentException>(() => Begin(state, 1, 3));
        state = EndPhase(Begin(state, 2, 3), 2);
        state = RunRules.Finished(RunRules.Finish(state, Now), Now);

        Assert.Equal(RunStage.Done, state.Stage);
        Assert.Equal(RunDemand.Ended, RunRules.Outstanding(state).Standing!.Demand);
        state = RunRules.StandingHeard(state, state.StandingNumber, Now);
        Assert.Null(RunRules.Outstanding(state).Standing);
        Assert.Equal([20, 20, 20], state.Ledger.Select(ledger => (int)ledger.Steps));
    }

    [Fact]
    public void APhaseEnds_OnceAllItsPathsAndModulesAreThere_InOrder_WhateverComesFirst()
    {
        RunRecord state = Begun();
        state = Record(state, Report(0, 1)).State;
        Assert.Empty(state.Ledger);
        state = Record(state, Report(0, 0)).State;
        state = RunRules.Record(state, Version(2), Now).State;
        state = Record(state, Report(1, 1)).State;
        state = Record(state, Report(1, 0)).State;
        Assert.Equal("Phase 0: 0 of 2 paths and 1 of 1 modules.", RunRules.WaitsOn(state).Text);
        state = RunRules.Record(state, Version(1), Now).State;

        Assert.Equal([new PhaseLedger(new Phase(0), 2, 20, 14, 1400, 0, 0), new PhaseLedger(new Phase(1), 2, 20, 14, 1400, 0, 0)], state.Ledger);
        Assert.Equal(RunStage.BetweenSegments, state.Stage);
        Assert.Equal(new PathPosition(Blob("moments 1"), 20), state.Paths[new PathId(0)]);
        Assert.Equal(Version(2), state.Modules[Module]);
    }

    [Fact]
    public void AReport_CountsOnce_AndAnotherOneInItsPlaceFailsTheRun()
    {
        (RunRecord state, RecordVerdict verdict) = Record(Begun(), Report(0, 0));
        Assert.Equal(RecordVerdict.Recorded, verdict);
        Assert.Equal((state, RecordVerdict.Known), Record(state, Report(0, 0)));
        RunRecord later = EndPhase(state, 0, skip: 0);
        Assert.Equal((later, RecordVerdict.Known), Record(later, Report(0, 0)));

        PathReport other = Report(0, 0) with { Optimizer = Blob("other") };
        Assert.Equal(RecordVerdict.Contradiction, Record(state, other).Verdict);
        Assert.Equal(RunStage.Failed, Record(state, other).State.Stage);
        Assert.Equal(RecordVerdict.NotYet, Record(state, Report(0, 2)).Verdict);
        Assert.Equal(RecordVerdict.NotYet, Record(new RunRecord(Run), Report(0, 0)).Verdict);
    }

    [Theory]
    [InlineData(5, 10, 5, 0)]
    [InlineData(0, 8, 2, 0)]
    [InlineData(-3, 10, 0, 3)]
    [InlineData(0, 12, 0, 2)]
    public void ALedgerThatDoesNotBalance_FailsTheRun(int firstStep, int steps, long lost, long duplicated)
    {
        RunRecord state = Record(Begun(), Report(0, 0)).State;
        PathReport wrong = Report(1, 0) with { Ledger = Report(1, 0).Ledger with { FirstStep = firstStep, Steps = steps } };
        state = RunRules.Record(Record(state, wrong).State, Version(1), Now).State;

        Assert.Equal((lost, duplicated), (state.Ledger.Single().LostSteps, state.Ledger.Single().DuplicatedSteps));
        Assert.Equal(RunStage.Failed, state.Stage);
        Assert.Contains($"{lost} steps are lost, {duplicated} duplicated", state.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void APausedRun_StillRecords_AndGoesOnWhereItWas()
    {
        RunRecord state = RunRules.Pause(Begun(), Now);
        Assert.Equal(new StandingNotice(Run, 1, RunDemand.Paused), RunRules.Outstanding(state).Standing);
        Assert.Equal(0, RunRules.Failed(state, new PartyFailure(new TaskOwner("path/0"), 1, "No disk."), Now).Number);
        foreach (int phase in new[] { 0, 1 })
        {
            state = Record(Record(state, Report(0, phase)).State, Report(1, phase)).State;
            state = RunRules.Record(state, Version(phase + 1), Now).State;
        }

        Assert.Equal(RunStage.Paused, state.Stage);
        state = RunRules.Resume(state, Now);
        Assert.Equal(RunStage.BetweenSegments, state.Stage);
        Assert.Equal(2, state.Ledger.Length);
        Assert.Equal(new StandingNotice(Run, 2, RunDemand.Wanted), RunRules.Outstanding(state).Standing);
        Assert.Equal(RunStage.Preparing, RunRules.Resume(RunRules.Pause(new RunRecord(Run), Now), Now).Stage);
    }

    [Fact]
    public void AFailedRun_GivesItsOrdersAnewWhenItIsResumed_AndOldFailuresMeanNothing()
    {
        PartyFailure failure = new(new TaskOwner("path/0"), 1, "Task x: no disk.");
        (RunRecord state, long number) = RunRules.Failed(Begun(), failure, Now);
        Assert.Equal((RunStage.Failed, 1L), (state.Stage, number));
        Assert.Contains("no disk", RunRules.WaitsOn(state).Text, StringComparison.Ordinal);
        state = RunRules.Resume(state, Now);

        Assert.All(RunRules.Outstanding(state).Paths, order => Assert.Equal(2, order.Order.Number));
        Assert.Equal(2, RunRules.Outstanding(state).Paths.Length);
        Assert.Equal(RunStage.Training, RunRules.Failed(state, failure, Now).State.Stage);
    }

    [Fact]
    public void Orders_AreGivenUntilTheyAreTaken()
    {
        RunRecord state = Begun();
        state = RunRules.Heard(state, new PathId(0), new OrderReply(1, OrderVerdict.Busy), Now);
        state = RunRules.Heard(state, new PathId(0), new OrderReply(0, OrderVerdict.Taken), Now);
        Assert.Equal(2, RunRules.Outstanding(state).Paths.Length);
        state = RunRules.Heard(state, new PathId(0), new OrderReply(1, OrderVerdict.Known), Now);
        state = RunRules.Heard(state, Module, new OrderReply(1, OrderVerdict.Taken), Now);

        Assert.Equal([1], RunRules.Outstanding(state).Paths.Select(order => order.Path.Value));
        Assert.Empty(RunRules.Outstanding(state).Modules);
        Assert.Equal(RunStage.Failed, RunRules.Heard(state, new PathId(1), new OrderReply(1, OrderVerdict.Contradiction, "Other blob."), Now).Stage);
    }

    [Fact]
    public void WhatARunWants_IsSaidAgainUntilItsEnd_BecauseADispatcherMayHaveBegunAnew()
    {
        RunRecord state = RunRules.Resume(RunRules.Pause(Begun(), Now), Now);
        state = RunRules.StandingHeard(state, 2, Now);

        Assert.Equal(new StandingNotice(Run, 2, RunDemand.Wanted), RunRules.Outstanding(state).Standing);
    }

    [Fact]
    public void ADeletedRun_IsGoneOnceEverybodyKnows()
    {
        RunRecord state = RunRules.Delete(Begun(), Now);
        RunOutstanding outstanding = RunRules.Outstanding(state);
        Assert.Equal((2, 1, RunDemand.Ended), (outstanding.DeletedPaths.Length, outstanding.DeletedModules.Length, outstanding.Standing!.Demand));
        Assert.Empty(outstanding.Paths);
        Assert.Equal(RecordVerdict.Known, Record(state, Report(0, 0)).Verdict);
        state = RunRules.DeletionHeard(RunRules.DeletionHeard(state, new PathId(0), Now), new PathId(1), Now);
        state = RunRules.DeletionHeard(state, Module, Now);
        Assert.Equal(RunStage.Deleting, state.Stage);

        Assert.Equal(RunStage.Deleted, RunRules.StandingHeard(state, state.StandingNumber, Now).Stage);
    }

    [Fact]
    public void TheState_ComesBackFromItsJson()
    {
        byte[] json = RulesJson.Write(Record(EndPhase(Begun(), 0), Report(1, 1)).State);

        Assert.Equal(json, RulesJson.Write(RulesJson.Read<RunRecord>(json)));
    }

    private static RunRecord Begun() => Begin(new RunRecord(Run), 0, 2);

    private static RunRecord Begin(RunRecord state, int first, int end)
    {
        Segment segment = new(new Phase(first), new Phase(end));
        return RunRules.Begin(
            state, segment,
            Enumerable.Range(0, 2).ToImmutableSortedDictionary(path => new PathId(path), _ => new PathOrder(
                0, segment, [.. Enumerable.Range(first, end - first).Select(phase => new PathTurn(new Phase(phase), 10))], [Module], null, first * 10, 1)),
            ImmutableSortedDictionary<ModuleId, ModuleOrder>.Empty.Add(Module, new ModuleOrder(0, segment, Version(first), [], [], false)), Now);
    }

    private static (RunRecord State, RecordVerdict Verdict) Record(RunRecord state, PathReport report) => RunRules.Record(state, report, Now);

    private static PathReport Report(int path, int phase) => new(
        new LedgerEntry(new PathId(path), new Phase(phase), Key($"{path} {phase}"), 10 * phase, 10, 7, 700, "one"), Blob($"moments {phase}"));

    private static ModuleVersion Version(int version) => new(Module, new Phase(version), Blob($"version {version}"), null);

    private static RunRecord EndPhase(RunRecord state, int phase, int? skip = null)
    {
        foreach (int path in new[] { 0, 1 })
        {
            state = path == skip ? state : Record(state, Report(path, phase)).State;
        }

        return RunRules.Record(state, Version(phase + 1), Now).State;
    }
}
