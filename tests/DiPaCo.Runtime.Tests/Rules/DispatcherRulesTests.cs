using DiPaCo.Runtime.Rules;
using Xunit;
using static DiPaCo.Runtime.Tests.Rules.DispatcherBench;

namespace DiPaCo.Runtime.Tests.Rules;

/// <summary>Who gets a task, what a lease is worth, and what becomes of results.</summary>
public sealed class DispatcherRulesTests
{
    private readonly DispatcherBench _bench = new();

    [Fact]
    public void TheMostUrgentTaskGoesFirst_ThenTheOneWithMostInputsThere_ThenTheOldest_ThenByKey()
    {
        TaskInput shard = new(Blob("shard"), 1_000), small = new(Blob("small"), 10);
        _bench.Submit(Demand("old"));
        _bench.Pass(1);
        _bench.Submit(Demand("a little there") with { Inputs = [small] });
        _bench.Submit(Demand("much there") with { Inputs = [shard] });
        string[] twins = ["twin one", "twin two"];
        Array.Sort(twins, (one, two) => Key(one).CompareTo(Key(two)));
        _bench.Submit(Demand(twins[1]));
        _bench.Submit(Demand(twins[0]));
        _bench.Submit(Demand("urgent") with { Priority = 1 });
        _bench.Register("w", slots: 6);

        string[] order = [.. Enumerable.Range(0, 6).Select(_ => _bench.Ask("w", cached: ["shard", "small"]).Grant!.Demand.Owner.Name)];

        Assert.Equal(["urgent", "much there", "a little there", "old", twins[0], twins[1]], order);
    }

    [Fact]
    public void AWorkerGetsOnlyWhatFitsItsMemoryAndFingerprint_AndIsToldWhy()
    {
        _bench.Submit(Demand("large") with { MemoryBytes = 1_000 });
        _bench.Register("small", memory: 999);
        Assert.Equal(WaitCause.Memory, _bench.Ask("small").Wait!.Cause);
        _bench.Register("large", memory: 1_000);
        Assert.NotNull(_bench.Ask("large").Grant);

        _bench.Submit(Demand("strict") with { Fingerprint = "one" });
        _bench.Register("other", fingerprint: "two");
        WaitReason wait = _bench.Ask("other").Wait!;
        Assert.Equal(WaitCause.Fingerprint, wait.Cause);
        Assert.Contains("one", wait.Text, StringComparison.Ordinal);
        Assert.Equal(_bench.Now, wait.Since);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALostTaskIsNotFetchedAhead_WhileItsWorkerMayComeBackWithItsState(bool comesBackWithinItsLease)
    {
        (LeaseGrant grant, LeaseGrant own) = OneThatWillBeLost_AndABusyOne(seconds: 20, progress: 0.01);
        if (!comesBackWithinItsLease)
        {
            _bench.Pass(11);
            _bench.Beat("busy", own);
            _bench.Tick();
        }

        _bench.Register("lost", incarnation: 2);
        Assert.Equal(WaitCause.OthersAreSooner, _bench.Ask("busy").Wait!.Cause);
        Assert.Equal(grant.Demand.Key, _bench.Ask("lost", number: 1, incarnation: 2).Grant!.Demand.Key);
    }

    [Fact]
    public void ALostTaskIsFetchedAhead_OnceItsWorkerWasAwaitedForAsLongAsItHadComputed()
    {
        (LeaseGrant first, LeaseGrant own) = OneThatWillBeLost_AndABusyOne(seconds: 5, progress: 0.01);
        _bench.Pass(11);
        _bench.Beat("busy", own);
        _bench.Tick();
        Assert.Null(_bench.Ask("busy").Grant);
        _bench.Pass(4.9);
        Assert.Null(_bench.Ask("busy").Grant);
        _bench.Pass(0.2);
        Assert.Equal(first.Demand.Key, _bench.Ask("busy").Grant!.Demand.Key);
    }

    [Fact]
    public void ALostTaskOfWhichNoStepWasTold_IsFetchedAheadAtOnce()
    {
        (LeaseGrant first, LeaseGrant own) = OneThatWillBeLost_AndABusyOne(seconds: 5, progress: 0);
        _bench.Pass(11);
        _bench.Beat("busy", own);
        _bench.Tick();
        Assert.Equal(first.Demand.Key, _bench.Ask("busy").Grant!.Demand.Key);
    }

    [Fact]
    public void AWorkerThatComesBack_GetsTheTaskOfWhichItHasKeptAState_WhateverElseWaits()
    {
        _bench.Register("lost");
        LeaseGrant lost = LeaseAndLose("lost", Demand("begun"));
        _bench.Submit(Demand("older") with { Inputs = [new TaskInput(Blob("input"), 1000)] });

        Assert.Equal(lost.Demand.Key, _bench.AskWith("lost", 2, Key("never heard of"), lost.Demand.Key).Grant!.Demand.Key);
    }

    [Fact]
    public void AWorkerThatComesBackToSomethingUrgent_GetsItsOwnTaskNext()
    {
        _bench.Register("lost", slots: 2);
        LeaseGrant lost = LeaseAndLose("lost", Demand("begun"), slots: 2);
        _bench.Submit(Demand("outer") with { Priority = 2, Beside = true, Divisible = false });
        _bench.Submit(Demand("new"));

        Assert.Equal(Key("outer"), _bench.AskWith("lost", 2, lost.Demand.Key).Grant!.Demand.Key);
        Assert.Equal(lost.Demand.Key, _bench.AskWith("lost", 2, lost.Demand.Key).Grant!.Demand.Key);
    }

    [Theory]
    [InlineData(0.0, true)]
    [InlineData(0.1, false)]
    public void AWorkerThatComesBack_GetsItsTaskFromOneWhoHasNotBegunIt_AndFromNobodyElse(double done, bool getsIt)
    {
        _bench.Register("lost");
        _bench.Register("other");
        LeaseGrant lost = LeaseAndLose("lost", Demand("begun"));
        LeaseGrant taken = _bench.Lease("other");
        _bench.Pass(1);
        _bench.Beat("other", taken, done);

        LeaseReply reply = _bench.AskWith("lost", 2, lost.Demand.Key);
        Assert.Equal(getsIt ? lost.Demand.Key : null, reply.Grant?.Demand.Key);
    }

    [Fact]
    public void AMoreUrgentTaskGoesFirst_ToAWorkerWithAKeptStateToo()
    {
        _bench.Register("lost");
        LeaseGrant lost = LeaseAndLose("lost", Demand("begun"));
        _bench.Submit(Demand("urgent") with { Priority = 1 });

        Assert.Equal(Key("urgent"), _bench.AskWith("lost", 2, lost.Demand.Key).Grant!.Demand.Key);
    }

    [Fact]
    public void AFreeWorkerTakesALostTaskLast_WhileItsWorkerMayComeBackWithItsState()
    {
        _bench.Register("lost");
        _bench.Register("free", slots: 3);
        LeaseGrant lost = LeaseAndLose("lost", Demand("begun"));
        _bench.Pass(1);
        _bench.Submit(Demand("later"));

        LeaseGrant first = _bench.Lease("free");
        Assert.Equal(Key("later"), first.Demand.Key);
        _bench.Complete("free", first);
        Assert.Equal(lost.Demand.Key, _bench.Lease("free").Demand.Key);
    }

    [Fact]
    public void ATaskThatIsComputedBesideOthers_GoesToABusyWorker_ThoughAnotherWillBeFree()
    {
        _bench.Register("busy", slots: 3);
        _bench.Register("idle");
        _bench.Submit(Demand("long"));
        _bench.Lease("busy");
        _bench.Submit(Demand("ahead"));
        Assert.Equal(WaitCause.OthersAreSooner, _bench.Ask("busy").Wait!.Cause);
        _bench.Submit(Demand("beside") with { Beside = true, Divisible = false, Priority = 2 });
        Assert.Equal(Key("beside"), _bench.Lease("busy").Demand.Key);
    }

    [Fact]
    public void WhereMemoryIsShortForBoth_ATaskBesideOthersWaits_AndNothingLessUrgentIsTakenBeforeIt()
    {
        _bench.Register("w", memory: 100, slots: 3);
        _bench.Submit(Demand("long") with { MemoryBytes = 80 });
        LeaseGrant longer = _bench.Lease("w");
        _bench.Submit(Demand("next") with { MemoryBytes = 80 });
        _bench.Submit(Demand("beside") with { MemoryBytes = 30, Beside = true, Divisible = false, Priority = 2 });

        Assert.Equal(WaitCause.MemoryBeside, _bench.Ask("w").Wait!.Cause);
        _bench.Complete("w", longer);
        Assert.Equal(Key("beside"), _bench.Lease("w").Demand.Key);
        Assert.Null(_bench.Ask("w").Grant);
    }

    [Fact]
    public void AWorkerThatDiesWithAQuestionUnderWay_DoesNotGetItsOwnTaskAgain()
    {
        _bench.Register("dead", slots: 2);
        _bench.Register("other");
        _bench.Submit(Demand("task"));
        LeaseGrant grant = _bench.Lease("dead");
        DateTimeOffset asked = _bench.Now;
        Assert.Null(_bench.Ask("dead").Grant);

        _bench.Pass(11);
        _bench.Tick();
        LeaseReply reply = _bench.LookAgain("dead", asked);
        Assert.Null(reply.Grant);
        Assert.Equal(WaitCause.Stale, reply.Wait!.Cause);
        Assert.Equal(grant.Demand.Key, _bench.Lease("other").Demand.Key);

        // One that lives after all asks anew.
        _bench.Submit(Demand("next"));
        Assert.NotNull(_bench.LookAgain("dead", _bench.Now).Grant);
    }

    [Fact]
    public void ABusyWorkerFetchesNoTaskAheadThatAnIdleOneWouldBeginAtOnce()
    {
        _bench.Register("busy", slots: 2);
        _bench.Submit(Demand("first"));
        _bench.Lease("busy");
        _bench.Register("idle", slots: 2);
        _bench.Submit(Demand("second"));
        WaitReason wait = _bench.Ask("busy").Wait!;
        Assert.Equal(WaitCause.OthersAreSooner, wait.Cause);

        // With a third one there is enough for both.
        _bench.Submit(Demand("third"));
        Assert.NotNull(_bench.Ask("busy").Grant);
        Assert.NotNull(_bench.Ask("idle").Grant);
    }

    [Fact]
    public void OfBusyWorkersTheOneThatWillBeFreeFirstFetchesAhead()
    {
        foreach (string worker in new[] { "late", "soon" })
        {
            _bench.Register(worker, slots: 2);
            _bench.Measure(worker, $"measured on {worker}", seconds: 100);
        }

        _bench.Submit(Demand("of soon"));
        LeaseGrant soon = _bench.Lease("soon");
        _bench.Pass(50);
        _bench.Beat("soon", soon, done: 0.5, elapsed: 50);
        _bench.Submit(Demand("of late"));
        _bench.Lease("late");
        _bench.Submit(Demand("next"));

        Assert.Equal(WaitCause.OthersAreSooner, _bench.Ask("late").Wait!.Cause);
        Assert.NotNull(_bench.Ask("soon").Grant);
    }

    [Fact]
    public void AnIdleWorkerLeavesATaskToTheIdleOneThatHasItsInputs()
    {
        _bench.Register("stranger");
        _bench.Register("home");
        Assert.Null(_bench.Ask("home", cached: ["shard"]).Grant);
        _bench.Submit(Demand("task") with { Inputs = [new TaskInput(Blob("shard"), 1_000)] });
        WaitReason wait = _bench.Ask("stranger").Wait!;
        Assert.Equal(WaitCause.InputsElsewhere, wait.Cause);

        // Not for ever: who is silent for a lease is counted on no more.
        _bench.Pass(130);
        Assert.NotNull(_bench.Ask("stranger").Grant);
    }

    [Fact]
    public void ATaskIsNotLeftToIdleWorkersThatItDoesNotFit()
    {
        _bench.Register("busy", memory: 1_000, slots: 2);
        _bench.Submit(Demand("first"));
        _bench.Lease("busy");
        _bench.Register("small", memory: 1);
        _bench.Submit(Demand("large") with { MemoryBytes = 1_000 });

        Assert.NotNull(_bench.Ask("busy").Grant);
    }

    [Fact]
    public void ATaskIsNotLeftForEverToAnIdleWorkerThatDoesNotComeForIt()
    {
        _bench.Register("busy", slots: 2);
        _bench.Submit(Demand("first"));
        LeaseGrant held = _bench.Lease("busy");
        _bench.Register("silent");
        _bench.Submit(Demand("second"));
        Assert.Null(_bench.Ask("busy").Grant);
        for (int beat = 0; beat < 60; beat++)
        {
            _bench.Pass(2.5);
            _bench.Beat("busy", held);
        }

        Assert.NotNull(_bench.Ask("busy").Grant);
    }

    [Fact]
    public void ATaskThatIsSubmittedTwice_IsOne_AndTwoRunsShareIt()
    {
        Assert.Equal(SubmitVerdict.Accepted, _bench.Submit(Demand("task")));
        Assert.Equal(SubmitVerdict.Accepted, _bench.Submit(Demand("task")));
        _bench.Submit(Demand("task") with { Run = new RunId("sibling") });
        Assert.Equal(SubmitVerdict.OtherFingerprint, _bench.Submit(Demand("task") with { Run = new RunId("third"), Fingerprint = "two" }));
        _bench.Register("w");
        _bench.Complete("w", _bench.Lease("w"));

        Assert.Equal(["run", "sibling"], _bench.Told.Select(settled => settled.Run.Name));
        _bench.Acknowledge(_bench.Told[0]);
        _bench.Acknowledge(_bench.Told[0]);
        Assert.Empty(_bench.State.Tasks);
    }

    [Fact]
    public void ARepeatedRequest_BringsTheSameLease_AndALateOneNothing()
    {
        _bench.Submit(Demand("one"));
        _bench.Submit(Demand("two"));
        _bench.Register("w", slots: 2);
        LeaseGrant first = _bench.Ask("w", number: 1).Grant!;

        Assert.Equal(first.Number, _bench.Ask("w", number: 1).Grant!.Number);
        LeaseGrant second = _bench.Ask("w", number: 2).Grant!;
        Assert.NotEqual(first.Number, second.Number);
        Assert.Equal(WaitCause.Stale, _bench.Ask("w", number: 1).Wait!.Cause);
        _bench.Complete("w", second);
        _bench.Submit(Demand("three"));
        Assert.Equal(WaitCause.Stale, _bench.Ask("w", number: 2).Wait!.Cause);
        Assert.NotNull(_bench.Ask("w", number: 3).Grant);
    }

    [Fact]
    public void ALeaseWhoseAnswerWasLostUntilItExpired_IsReplacedForTheSameRequest()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("w");
        LeaseNumber lost = _bench.Ask("w", number: 1).Grant!.Number;
        _bench.Pass(10);
        _bench.Tick();

        Assert.True(_bench.Ask("w", number: 1).Grant!.Number > lost);
    }

    [Fact]
    public void ALeaseThatNobodyUpholds_ExpiresAtItsDeadline_AndAnotherWorkerGetsTheTask()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("gone");
        _bench.Register("here");
        LeaseGrant lost = _bench.Lease("gone");
        _bench.Pass(9.9);
        _bench.Tick();
        Assert.Equal(WaitCause.AllLeased, _bench.Ask("here").Wait!.Cause);
        _bench.Pass(0.1);
        _bench.Tick();

        LeaseGrant next = _bench.Lease("here");
        Assert.True(next.Number > lost.Number);
        Assert.Equal(HeartbeatVerdict.Lost, _bench.Beat("gone", lost).Verdict);
        Assert.Equal(1, _bench.Worker("gone").Expired);
    }

    [Fact]
    public void AnExpiredLease_IsRenewedWhileNobodyElseHasTheTask()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("w");
        LeaseGrant grant = _bench.Lease("w");
        _bench.Pass(60);
        _bench.Tick();

        HeartbeatReply reply = _bench.Beat("w", grant, done: 0.5, elapsed: 60);

        Assert.Equal(HeartbeatVerdict.Continue, reply.Verdict);
        Assert.True(reply.Lease > grant.Number);
        Assert.Equal(reply.Lease, _bench.Beat("w", grant).Lease);
        Assert.Single(_bench.Worker("w").Held);
    }

    [Fact]
    public void TwoRuns_ShareTheWorkers_HoweverManyTasksTheFirstHasOrdered()
    {
        for (int i = 0; i < 50; i++)
        {
            _bench.Submit(Demand($"large {i}"));
        }

        _bench.Pass(1);
        for (int i = 0; i < 3; i++)
        {
            _bench.Submit(Demand($"small {i}") with { Run = new RunId("small") });
        }

        string[] runs = [.. Enumerable.Range(0, 8).Select(worker =>
        {
            _bench.Register($"w{worker}");
            return _bench.Lease($"w{worker}").Demand.Run.Name;
        })];

        Assert.Equal(["run", "small", "run", "small", "run", "small", "run", "run"], runs);
    }

    [Fact]
    public void MoreUrgentTasks_GoFirst_WhicheverRunTheyAreOf()
    {
        _bench.Submit(Demand("urgent") with { Priority = 1 });
        _bench.Submit(Demand("urgent too") with { Priority = 1 });
        _bench.Submit(Demand("other") with { Run = new RunId("other") });
        _bench.Register("a");
        _bench.Register("b");

        Assert.Equal(["run", "run"], [_bench.Lease("a").Demand.Run.Name, _bench.Lease("b").Demand.Run.Name]);
    }

    [Fact]
    public void ALateHeartbeat_DoesNotTakeBackWhatWasHandedBack()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("w");
        LeaseGrant grant = _bench.Lease("w");
        _bench.HandBack("w", grant, done: 5);

        Assert.Equal(HeartbeatVerdict.Lost, _bench.Beat("w", grant).Verdict);
        Assert.Single(_bench.State.Waiting);
    }

    [Fact]
    public void ADispatcherThatHasForgottenEverything_TakesUpWhatIsUnderWay_UnderLargerNumbers()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("w");
        LeaseGrant grant = _bench.Lease("w");
        _bench.State = DispatcherState.StartingAfter(new LeaseNumber(1_000));

        Assert.Equal(HeartbeatVerdict.Unknown, _bench.Beat("w", grant).Verdict);
        _bench.Register("w");
        _bench.Submit(Demand("task"));
        HeartbeatReply reply = _bench.Beat("w", grant, done: 0.5);

        Assert.Equal(HeartbeatVerdict.Continue, reply.Verdict);
        Assert.Equal(1_001, reply.Lease.Value);
        Assert.Empty(_bench.State.Waiting);
        Assert.Equal(CompletionVerdict.Taken, _bench.Complete("w", grant).Verdict);
    }

    [Fact]
    public void ANewIncarnation_EndsTheLeasesOfTheOneBeforeAtOnce_AndAGhostGetsNothing()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("w");
        LeaseGrant old = _bench.Lease("w");

        _bench.Register("w", incarnation: 2);

        LeaseGrant grant = _bench.Ask("w", number: 1, incarnation: 2).Grant!;
        Assert.True(grant.Number > old.Number);
        Assert.True(_bench.Ask("w", number: 2, incarnation: 1).IsUnknown);
        Assert.Equal(HeartbeatVerdict.Unknown, _bench.Beat("w", old).Verdict);
        Assert.False(_bench.Register("w", incarnation: 1).IsCurrent);
        Assert.Equal(2, _bench.Worker("w").Capabilities.Incarnation);
    }

    [Fact]
    public void OnlyAValidLeaseCanFail_BeHandedBackOrUpheld()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("old");
        _bench.Register("new");
        LeaseGrant old = _bench.Lease("old");
        _bench.Pass(10);
        _bench.Tick();
        LeaseGrant grant = _bench.Lease("new");

        _bench.Fail("old", old);
        _bench.HandBack("old", old, done: 0);
        _bench.Beat("old", old);

        TaskEntry entry = _bench.State.Tasks[grant.Demand.Key];
        Assert.Equal([grant.Number], entry.Leases.Select(lease => lease.Number));
        Assert.Empty(entry.Failures);
    }

    [Fact]
    public void LeasesLastLonger_WhereHeartbeatsAreMeasuredToComeSlowly()
    {
        DispatcherBench bench = new(new DispatcherOptions { MinimumLease = TimeSpan.FromSeconds(2) });
        bench.Submit(Demand("task"));
        Assert.Equal(TimeSpan.FromSeconds(0.5), bench.Register("w").HeartbeatEvery);
        LeaseGrant grant = bench.Lease("w");
        Assert.Equal(bench.Now.AddSeconds(2), grant.Deadline);
        for (int i = 0; i < 50; i++)
        {
            bench.Pass(1.5);
            bench.Beat("w", grant);
        }

        Assert.Equal(bench.Now.AddSeconds(6), bench.Beat("w", grant).Deadline, TimeSpan.FromSeconds(3));
        Assert.True(bench.Beat("w", grant).Deadline > bench.Now.AddSeconds(4));
    }

    [Fact]
    public void TheFirstResultWins_TheSameAgainIsKnown_AndAnotherOneIsAContradictionWithBothDigests()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("w");
        LeaseGrant grant = _bench.Lease("w");
        Assert.Equal(CompletionVerdict.Taken, _bench.Complete("w", grant).Verdict);

        Assert.Equal(CompletionVerdict.Known, _bench.Complete("w", grant).Verdict);
        CompletionReply reply = _bench.Complete("w", grant, bytes: "bad");

        Assert.Equal(CompletionVerdict.Contradiction, reply.Verdict);
        Assert.Equal(TaskOutcome.DigestOf(Outputs("good"), "{}"), reply.Present);
        Assert.Equal(TaskOutcome.DigestOf(Outputs("bad"), "{}"), reply.Delivered);
        Assert.Equal(Outputs("good"), _bench.Told.Single().Outcome!.Outputs);
        Assert.Equal(1, _bench.Worker("w").Contradictions);
    }

    [Fact]
    public void ALateResult_IsTakenUnlessTheTaskIsDone_ButOnlyFromTheRightFingerprint()
    {
        _bench.Submit(Demand("task") with { Fingerprint = "one" });
        _bench.Register("late");
        _bench.Register("now");
        LeaseGrant late = _bench.Lease("late");
        _bench.Pass(10);
        _bench.Tick();
        LeaseGrant now = _bench.Lease("now");

        Assert.Equal(CompletionVerdict.Refused, _bench.Complete("late", late, fingerprint: "two").Verdict);
        Assert.Equal(CompletionVerdict.Taken, _bench.Complete("late", late).Verdict);
        Assert.Equal(HeartbeatVerdict.Lost, _bench.Beat("now", now).Verdict);
        Assert.Empty(_bench.Worker("now").Held);
        Assert.Equal(CompletionVerdict.Known, _bench.Complete("now", now).Verdict);
    }

    [Fact]
    public void AResultUnderALeaseThatWasNeverGiven_IsRefused()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("w");
        LeaseGrant grant = _bench.Lease("w");

        Assert.Equal(CompletionVerdict.Refused, _bench.Complete("w", grant with { Number = new LeaseNumber(99) }).Verdict);
        Assert.Equal(CompletionVerdict.Unknown, _bench.Complete("stranger", grant).Verdict);
        Assert.Equal(CompletionVerdict.Taken, _bench.Complete("w", grant).Verdict);
    }

    [Fact]
    public void ADoneTask_StaysUntilItsOwnerAcknowledgesThisVeryEnd()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("w");
        _bench.Complete("w", _bench.Lease("w"));
        TaskSettled settled = _bench.Told.Single();
        _bench.Pass(100_000);
        _bench.Tick();

        _bench.Acknowledge(settled with { SettledBy = new LeaseNumber(99) });
        Assert.Single(_bench.Told);
        _bench.Acknowledge(settled);
        Assert.Empty(_bench.Told);
        Assert.Empty(_bench.State.Tasks);
    }

    [Fact]
    public void AFailedTask_GoesElsewhereAfterAPause_AndIsGivenUpAtTheLimit_WithItsReasons()
    {
        DispatcherBench bench = new(new DispatcherOptions { MaximumFailures = 3 });
        bench.Submit(Demand("task"));
        bench.Register("a");
        bench.Register("b");
        bench.Fail("a", bench.Lease("a"), "The disk is full.");
        Assert.Equal(WaitCause.BackOff, bench.Ask("b").Wait!.Cause);
        bench.Pass(1);
        Assert.Equal(WaitCause.FailedHere, bench.Ask("a").Wait!.Cause);
        bench.Fail("b", bench.Lease("b"), "A blob is missing.");
        bench.Pass(2);

        // Both have failed: any of them may try again.
        bench.Fail("a", bench.Lease("a"), "The disk is still full.");

        string text = bench.Told.Single().GaveUp!;
        Assert.Contains(Key("task").Hex, text, StringComparison.Ordinal);
        Assert.Contains("on worker a: The disk is full.; on worker b: A blob is missing.; on worker a: The disk is still full.", text, StringComparison.Ordinal);
        Assert.Equal(WaitCause.NoTask, bench.Ask("b").Wait!.Cause);
    }

    [Fact]
    public void TroubleOfAWorkersOwn_IsOutlasted_ButNotForEver()
    {
        DispatcherBench bench = new(new DispatcherOptions { MaximumFailures = 3, PassingTrouble = TimeSpan.FromMinutes(10) });
        bench.Submit(Demand("task"));
        bench.Register("w");
        int attempts = 0;
        while (bench.Told.Length == 0)
        {
            attempts++;
            bench.Fail("w", bench.Lease("w"), "The disk is full.", FailureKind.Passing);
            bench.Pass(60);
        }

        // Pauses double up to a minute: nearly one attempt a minute.
        Assert.InRange(attempts, 10, 20);
        Assert.Contains("The disk is full.", bench.Told.Single().GaveUp, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailureThatEveryWorkerWouldHave_IsBelievedOfTwoWorkers_NotOfOneAmongSeveral()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("broken");
        _bench.Register("sound");
        _bench.Register("other");
        _bench.Fail("broken", _bench.Lease("broken"), "The loss was not finite in step 3.", FailureKind.Permanent);
        Assert.Empty(_bench.Told);

        _bench.Pass(1);
        LeaseGrant second = _bench.Lease("sound");
        _bench.Fail("sound", second, "The loss was not finite in step 3.", FailureKind.Permanent);

        Assert.Contains("not finite in step 3", _bench.Told.Single().GaveUp, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailureThatTheOnlyWorkerCallsPermanent_GivesUpAtOnce()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("w");
        _bench.Fail("w", _bench.Lease("w"), "The loss was not finite in step 3.", FailureKind.Permanent);

        Assert.Contains("not finite in step 3", _bench.Told.Single().GaveUp, StringComparison.Ordinal);
    }

    [Fact]
    public void ThreeRefusedResults_QuarantineAWorker_AndWhatItHoldsGoesToOthers()
    {
        _bench.Register("bad", slots: 2);
        _bench.Register("good", slots: 9);
        foreach (string task in new[] { "one", "two", "three" })
        {
            _bench.Submit(Demand(task));
            LeaseGrant grant = _bench.Lease("bad");
            Assert.Equal(CompletionVerdict.Refused, _bench.Refuse("bad", grant, $"nonsense of {task}").Verdict);
            // The same message again is no second mark.
            _bench.Refuse("bad", grant, $"nonsense of {task}");
            if (task != "three")
            {
                _bench.Pass(60);
                _bench.Complete("good", _bench.Lease("good"));
            }
        }

        LeaseReply reply = _bench.Ask("bad");
        Assert.Equal(WaitCause.Quarantined, reply.Wait!.Cause);
        Assert.Contains("nonsense of three is not finite", reply.Wait.Text, StringComparison.Ordinal);
        Assert.Contains("Quarantined", _bench.Rules.Status(_bench.State, _bench.Now).Workers[0].State, StringComparison.Ordinal);
        _bench.Pass(60);
        Assert.NotNull(_bench.Ask("good").Grant);
        Assert.NotNull(_bench.Register("bad", incarnation: 2).Quarantine);
        _bench.State = DispatcherRules.Release(_bench.State, new WorkerId("bad"), _bench.Now);
        Assert.Null(_bench.Register("bad", incarnation: 3).Quarantine);
    }

    [Fact]
    public void TheSameUnlikelyBytesFromTwoWorkers_AreRight_AndTheFirstIsAcquitted()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("a");
        _bench.Register("b");
        _bench.Refuse("a", _bench.Lease("a"), "large", RefusalKind.Unlikely);
        Assert.Single(_bench.Worker("a").Refusals);
        _bench.Pass(1);

        Assert.Equal(CompletionVerdict.Taken, _bench.Refuse("b", _bench.Lease("b"), "large", RefusalKind.Unlikely).Verdict);

        Assert.Empty(_bench.Worker("a").Refusals);
        Assert.Equal(Outputs("large"), _bench.Told.Single().Outcome!.Outputs);
    }

    [Fact]
    public void TheSameInvalidBytesFromTwoWorkers_AreTheTasksFault()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("a");
        _bench.Register("b");
        _bench.Refuse("a", _bench.Lease("a"), "infinite");
        _bench.Pass(1);
        _bench.Refuse("b", _bench.Lease("b"), "infinite");

        Assert.Empty(_bench.Worker("a").Refusals);
        Assert.Empty(_bench.Worker("b").Refusals);
        Assert.Contains("infinite is not finite", _bench.Told.Single().GaveUp, StringComparison.Ordinal);
    }

    [Fact]
    public void AHandedBackTask_GoesOnElsewhereAtOnce_FromTheFurthestStep()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("a");
        _bench.Register("b");
        LeaseGrant first = _bench.Lease("a");
        _bench.HandBack("a", first, done: 6);

        LeaseGrant second = _bench.Lease("b");
        Assert.Equal(6, second.Continuation!.DoneSteps);
        // A hand-back that comes late leaves the lease alone, and does not set the task back.
        _bench.HandBack("a", first, done: 4);
        Assert.Equal(HeartbeatVerdict.Continue, _bench.Beat("b", second).Verdict);
        Assert.Equal(6, _bench.State.Tasks[Key("task")].Continuation!.DoneSteps);
    }

    [Fact]
    public void StepsOfAnotherFingerprintOrOfAMarkedWorker_AreNotGoneOnFrom()
    {
        _bench.Submit(Demand("task") with { Fingerprint = "one" });
        _bench.Register("a", slots: 2);
        LeaseGrant strict = _bench.Lease("a");
        _bench.HandBack("a", strict, done: 6, fingerprint: "two");
        Assert.Null(_bench.State.Tasks[strict.Demand.Key].Continuation);

        _bench.HandBack("a", strict, done: 5);
        Assert.Equal(5, _bench.State.Tasks[strict.Demand.Key].Continuation!.DoneSteps);
        LeaseGrant again = _bench.Lease("a");
        Assert.Equal(strict.Demand.Key, again.Demand.Key);
        _bench.Refuse("a", again, "nonsense");
        Assert.Null(_bench.State.Tasks[strict.Demand.Key].Continuation);
        _bench.HandBack("a", strict, done: 7);
        Assert.Null(_bench.State.Tasks[strict.Demand.Key].Continuation);
    }

    [Fact]
    public void AWorkerNeedsOnlyThePartOfTheFingerprintThatTheTaskWants()
    {
        const string Print = "fp32:1 bf16:2";
        _bench.Submit(Demand("task") with { Fingerprint = "fp32:1" });
        _bench.Register("unlike", fingerprint: "fp32:2 bf16:1");
        Assert.Equal(WaitCause.Fingerprint, _bench.Ask("unlike").Wait!.Cause);
        _bench.Register("alike", fingerprint: Print);
        LeaseGrant first = _bench.Lease("alike");
        _bench.HandBack("alike", first, done: 5, fingerprint: Print);
        LeaseGrant second = _bench.Lease("alike");

        Assert.Equal(5, second.Continuation!.DoneSteps);
        Assert.Equal(CompletionVerdict.Taken, _bench.Complete("alike", second, fingerprint: Print).Verdict);
    }

    [Fact]
    public void AStraggler_IsDuplicatedOnAnIdleWorker_Once_AndTheFirstResultEndsBoth()
    {
        _bench.Register("fast");
        _bench.Register("stuck");
        _bench.Register("third");
        _bench.Measure("fast", "earlier", seconds: 10);
        _bench.Submit(Demand("task"));
        LeaseGrant stuck = _bench.Lease("stuck");
        for (int i = 0; i < 4; i++)
        {
            _bench.Pass(6);
            _bench.Beat("stuck", stuck);
            Assert.Equal(i == 3, _bench.Ask("fast", number: 2).Grant is not null);
        }

        Assert.Equal(WaitCause.AllLeased, _bench.Ask("third").Wait!.Cause);
        LeaseGrant duplicate = _bench.Ask("fast", number: 2).Grant!;
        Assert.Equal(stuck.Demand.Key, duplicate.Demand.Key);
        _bench.Complete("fast", duplicate);
        Assert.Equal(HeartbeatVerdict.Lost, _bench.Beat("stuck", stuck).Verdict);
        Assert.Equal(CompletionVerdict.Known, _bench.Complete("stuck", stuck).Verdict);
    }

    [Fact]
    public void AStraggler_IsNotDuplicatedOnAWorkerThatHasSomethingToDo()
    {
        _bench.Register("stuck");
        _bench.Register("busy", slots: 2);
        _bench.Measure("busy", "earlier", seconds: 10);
        _bench.Submit(Demand("task"));
        LeaseGrant stuck = _bench.Lease("stuck");
        _bench.Submit(Demand("own"));
        LeaseGrant own = _bench.Lease("busy");
        for (int i = 0; i < 4; i++)
        {
            _bench.Pass(6);
            _bench.Beat("stuck", stuck);
            _bench.Beat("busy", own, done: 0.01 * i);
        }

        Assert.Equal(WaitCause.AllLeased, _bench.Ask("busy").Wait!.Cause);
        _bench.Complete("busy", own);
        Assert.Equal(stuck.Demand.Key, _bench.Ask("busy").Grant!.Demand.Key);
    }

    [Fact]
    public void AWorkerThatComesBackWithNothingKept_FetchesItsOwnTaskAheadLikeAnyOther()
    {
        (LeaseGrant lost, LeaseGrant _) = OneThatWillBeLost_AndABusyOne(seconds: 20, progress: 0.01);
        _bench.Register("lost", incarnation: 2, slots: 2);
        _bench.Submit(Demand("urgent") with { Priority = 1 });
        Assert.Equal(Key("urgent"), _bench.AskWith("lost", 2).Grant!.Demand.Key);
        Assert.Equal(lost.Demand.Key, _bench.AskWith("lost", 2).Grant?.Demand.Key);
    }

    [Fact]
    public void AStraggler_IsDuplicatedOnASlowWorkerToo_WhereNobodyFasterIsFree()
    {
        foreach (string worker in new[] { "stuck", "fast", "also fast", "slow" })
        {
            _bench.Register(worker);
            _bench.Measure(worker, $"of {worker}", seconds: worker == "slow" ? 40 : 10);
        }

        // Those who are fast have gone; what "stuck" has will never end.
        _bench.Submit(Demand("task"));
        LeaseGrant stuck = _bench.Lease("stuck");
        for (int i = 0; i < 40; i++)
        {
            _bench.Pass(6);
            _bench.Beat("stuck", stuck);
        }

        Assert.Equal(stuck.Demand.Key, _bench.Ask("slow").Grant?.Demand.Key);
    }

    [Fact]
    public void WhatIsExpectedOfATask_IsMeasuredOnTheWorkersOwnTasks()
    {
        _bench.Register("w");
        _bench.Register("new");
        _bench.Submit(Demand("first"));
        LeaseGrant first = _bench.Lease("w");
        Assert.Null(first.Expected);
        _bench.Pass(10);
        _bench.Complete("w", first);
        _bench.Submit(Demand("second", flops: 3_000));
        _bench.Submit(Demand("third", flops: 500));

        Assert.Equal(TimeSpan.FromSeconds(30), _bench.Lease("w").Expected);
        // Of a worker without a measurement the median worker's rate is expected.
        Assert.Equal(TimeSpan.FromSeconds(5), _bench.Lease("new").Expected);
    }

    [Fact]
    public void ASlowWorker_GetsAShareOfATask_NoneNearTheEnd_AndIsShownAsSlow()
    {
        _bench.Register("slow");
        foreach (string worker in new[] { "a", "b", "c" })
        {
            _bench.Register(worker);
            _bench.Measure(worker, $"of {worker}", seconds: 10);
        }

        _bench.Measure("slow", "of slow", seconds: 40);
        foreach (string task in new[] { "1", "2", "3", "4" })
        {
            _bench.Submit(Demand(task));
        }

        foreach (string worker in new[] { "a", "b", "c" })
        {
            Assert.Equal(WaitCause.NoTask, _bench.Ask(worker, number: 100).Wait?.Cause ?? WaitCause.NoTask);
        }

        // One task is left, and three workers will have done it in 20 seconds.
        Assert.Equal(WaitCause.TooSlow, _bench.Ask("slow", number: 100).Wait!.Cause);
        foreach (string task in new[] { "5", "6", "7" })
        {
            _bench.Submit(Demand(task));
        }

        LeaseGrant grant = _bench.Ask("slow", number: 100).Grant!;
        Assert.Equal(0.25, grant.Share, 6);
        Assert.Equal(["slow"], _bench.Rules.Status(_bench.State, _bench.Now).Workers.Where(line => line.IsSlow).Select(line => line.Worker.Name));
    }

    [Fact]
    public void APausedRun_HasItsTasksHandedBack_AndGoesOnWhereItWas()
    {
        _bench.Submit(Demand("task"));
        _bench.Submit(Demand("waiting"));
        _bench.Register("w");
        _bench.Register("v");
        LeaseGrant grant = _bench.Lease("w");
        Assert.Equal(2, _bench.Stand(2, RunDemand.Paused));
        Assert.Equal(2, _bench.Stand(1, RunDemand.Wanted));

        Assert.Equal(HeartbeatVerdict.HandBack, _bench.Beat("w", grant).Verdict);
        _bench.HandBack("w", grant, done: 3);
        Assert.Equal(WaitCause.RunPaused, _bench.Ask("v").Wait!.Cause);
        _bench.Stand(3, RunDemand.Wanted);
        Assert.NotNull(_bench.Ask("v").Grant);
        Assert.NotNull(_bench.Ask("w").Grant);
    }

    [Fact]
    public void APauseThatNobodyUpholds_Lapses()
    {
        _bench.Submit(Demand("task"));
        _bench.Register("w");
        _bench.Stand(1, RunDemand.Paused);
        _bench.Pass(100);
        _bench.Stand(1, RunDemand.Paused);
        _bench.Pass(100);
        _bench.Tick();
        Assert.Equal(WaitCause.RunPaused, _bench.Ask("w").Wait!.Cause);
        _bench.Pass(100);
        _bench.Tick();

        Assert.NotNull(_bench.Ask("w").Grant);
    }

    [Fact]
    public void AnEndedRun_HasNoTasks_AndGetsNoMore()
    {
        _bench.Submit(Demand("leased"));
        _bench.Submit(Demand("shared"));
        _bench.Submit(Demand("shared") with { Run = new RunId("sibling") });
        _bench.Register("w");
        LeaseGrant grant = _bench.Lease("w");
        _bench.Stand(1, RunDemand.Ended);

        Assert.Equal(SubmitVerdict.RunEnded, _bench.Submit(Demand("more")));
        Assert.Equal(["sibling"], _bench.State.Tasks.Values.SelectMany(entry => entry.Claims).Select(claim => claim.Run.Name));
        Assert.Equal(HeartbeatVerdict.Lost, grant.Demand.Owner.Name == "leased" ? _bench.Beat("w", grant).Verdict : HeartbeatVerdict.Lost);
        Assert.Equal(grant.Demand.Owner.Name == "leased", _bench.Worker("w").Held.IsEmpty);
    }

    [Fact]
    public void EverybodyIsShown_WithWhatItWaitsOnAndSinceWhen()
    {
        _bench.Submit(Demand("large") with { MemoryBytes = 1_000 });
        DateTimeOffset submitted = _bench.Now;
        Assert.Contains("none is there", Line("large").WaitsOn.Text, StringComparison.Ordinal);
        _bench.Register("w", memory: 10);
        _bench.Pass(5);
        _bench.Submit(Demand("small"));
        _bench.Lease("w");

        Assert.Equal((WaitCause.NoWorker, submitted), (Line("large").WaitsOn.Cause, Line("large").WaitsOn.Since));
        Assert.Contains("none of the 1 has that", Line("large").WaitsOn.Text, StringComparison.Ordinal);
        Assert.Equal(WaitCause.Computing, Line("small").WaitsOn.Cause);
        WorkerLine worker = _bench.Rules.Status(_bench.State, _bench.Now).Workers.Single();
        Assert.Equal(("Computes train of small, 0 % done.", _bench.Now), (worker.State, worker.Since));
        _bench.Pass(60);
        Assert.Equal("Silent.", _bench.Rules.Status(_bench.State, _bench.Now).Workers.Single().State);
    }

    [Fact]
    public void TheState_ComesBackFromItsJson()
    {
        _bench.Register("a", slots: 3);
        _bench.Register("b");
        _bench.Measure("b", "measured", seconds: 2);
        _bench.Submit(Demand("failed") with { Fingerprint = "one", Inputs = [new TaskInput(Blob("input"), 5)] });
        _bench.Fail("a", _bench.Ask("a", cached: ["input"]).Grant!);
        _bench.Submit(Demand("refused"));
        _bench.Refuse("a", _bench.Lease("a"), "nonsense");
        _bench.Submit(Demand("done"));
        _bench.Complete("b", _bench.Lease("b"));
        _bench.Submit(Demand("running"));
        _bench.HandBack("a", _bench.Lease("a"), done: 3);
        _bench.Beat("b", _bench.Lease("b"), done: 0.4, elapsed: 1);
        _bench.Stand(1, RunDemand.Paused);

        byte[] json = RulesJson.Write(_bench.State);
        DispatcherState back = RulesJson.Read<DispatcherState>(json);

        Assert.Equal(json, RulesJson.Write(back));
        Assert.Equal(_bench.State.Waiting, back.Waiting);
        Assert.Equal(_bench.State.Workers[new WorkerId("a")].Cached, back.Workers[new WorkerId("a")].Cached);
        Assert.Throws<System.Text.Json.JsonException>(() => RulesJson.Read<DispatcherState>("null"u8));
    }

    private TaskLine Line(string owner) => _bench.Rules.Status(_bench.State, _bench.Now).Tasks.Single(line => line.Owner.Name == owner);

    /// <summary>A worker that ends after ten seconds at a task, and comes back in its second incarnation.</summary>
    private LeaseGrant LeaseAndLose(string worker, TaskDemand demand, int slots = 1)
    {
        _bench.Submit(demand);
        LeaseGrant lost = _bench.Lease(worker);
        for (int second = 0; second < 10; second++)
        {
            _bench.Pass(1);
            _bench.Beat(worker, lost, done: 0.05 * second);
        }

        _bench.Register(worker, incarnation: 2, slots: slots);
        return lost;
    }

    /// <summary>Two workers compute for a while; the busy one has a second slot.</summary>
    private (LeaseGrant Lost, LeaseGrant Busy) OneThatWillBeLost_AndABusyOne(int seconds, double progress)
    {
        _bench.Register("lost");
        _bench.Submit(Demand("begun"));
        LeaseGrant lost = _bench.Lease("lost");
        _bench.Register("busy", slots: 2);
        _bench.Submit(Demand("other"));
        LeaseGrant busy = _bench.Lease("busy");
        for (int second = 0; second < seconds; second++)
        {
            _bench.Pass(1);
            _bench.Beat("lost", lost, done: progress * second);
            _bench.Beat("busy", busy);
        }

        return (lost, busy);
    }
}
