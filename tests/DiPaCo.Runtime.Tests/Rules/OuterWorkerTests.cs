using DiPaCo.Runtime.Rules;
using Xunit;
using static DiPaCo.Runtime.Tests.Rules.DispatcherBench;

namespace DiPaCo.Runtime.Tests.Rules;

/// <summary>Where outer steps are made: beside the store, as long as somebody is there.</summary>
public sealed class OuterWorkerTests
{
    private readonly DispatcherBench _bench = new();

    [Fact]
    public void AWorkerForOuterSteps_GetsNothingElse_AndIsToldWhy()
    {
        _bench.Register("outer", outerOnly: true);
        _bench.Submit(Demand("train"));
        LeaseReply reply = _bench.Ask("outer");
        Assert.Null(reply.Grant);
        Assert.Equal(WaitCause.OuterOnly, reply.Wait!.Cause);
        Assert.Equal(WaitCause.NoWorker, Assert.Single(_bench.Rules.Status(_bench.State, _bench.Now).Tasks).WaitsOn.Cause);

        _bench.Submit(Outer("step"));
        Assert.Equal(Key("step"), _bench.Lease("outer").Demand.Key);
    }

    [Fact]
    public void AnOuterStepIsLeftToAWorkerForIt_HoweverBusy_WhileOthersTakeTheRest()
    {
        _bench.Register("outer", outerOnly: true);
        _bench.Register("far");
        _bench.Submit(Outer("first"));
        LeaseGrant first = _bench.Lease("outer");
        _bench.Submit(Outer("second"));
        Assert.Equal(WaitCause.InputsElsewhere, _bench.Ask("far").Wait!.Cause);
        _bench.Submit(Demand("train"));
        Assert.Equal(Key("train"), _bench.Lease("far").Demand.Key);

        _bench.Complete("outer", first);
        Assert.Equal(Key("second"), _bench.Lease("outer").Demand.Key);
    }

    [Theory]
    [InlineData(1, "step", null)]
    [InlineData(2, "train", "step")]
    public void AWorkerBesideTheStoreThatTrains_GetsItWhereItHasASlotForIt(int slots, string far, string? here)
    {
        _bench.Register("here", slots: slots, hasStore: true);
        _bench.Register("far");
        _bench.Submit(Demand("first"));
        _bench.Lease("here");
        _bench.Submit(Outer("step"));
        _bench.Submit(Demand("train"));

        Assert.Equal(Key(far), _bench.Lease("far").Demand.Key);
        Assert.Equal(here is null ? null : Key(here), _bench.Ask("here").Grant?.Demand.Key);
    }

    [Fact]
    public void AnOuterStepIsNotLeftForEver_ToAWorkerThatIsSilentOrStuckOrHasFailed()
    {
        _bench.Register("outer", outerOnly: true);
        _bench.Register("far");
        _bench.Submit(Outer("step"));
        Assert.Null(_bench.Ask("far").Grant);
        _bench.Pass(60);
        _bench.Tick();
        LeaseGrant silent = _bench.Lease("far");
        _bench.Complete("far", silent);

        _bench.Submit(Outer("failing"));
        LeaseGrant failing = _bench.Lease("outer");
        _bench.Fail("outer", failing);
        _bench.Pass(5);
        LeaseGrant taken = _bench.Lease("far");
        Assert.Equal(Key("failing"), taken.Demand.Key);
        _bench.Complete("far", taken);

        _bench.Submit(Outer("slow"));
        LeaseGrant slow = _bench.Lease("outer");
        _bench.Submit(Outer("behind"));
        Assert.Null(_bench.Ask("far").Grant);
        for (int beat = 0; beat < 130; beat++)
        {
            _bench.Pass(1);
            _bench.Beat("outer", slow);
        }

        Assert.Equal(Key("behind"), _bench.Lease("far").Demand.Key);
    }

    [Fact]
    public void ASlowOuterStepInItsPlace_IsNotMadeElsewhereToo_ForSomeTime()
    {
        _bench.Register("outer", outerOnly: true);
        _bench.Register("far");
        _bench.Submit(Outer("quick"));
        LeaseGrant quick = _bench.Lease("outer");
        _bench.Pass(0.1);
        _bench.Complete("outer", quick, elapsed: 0.1);
        _bench.Submit(Outer("slow"));
        LeaseGrant slow = _bench.Lease("outer");
        for (int second = 0; second <= 20; second++)
        {
            Assert.Null(_bench.Ask("far").Grant);
            _bench.Pass(1);
            _bench.Beat("outer", slow);
        }

        Assert.Equal(Key("slow"), _bench.Lease("far").Demand.Key);
    }

    [Fact]
    public void AnOuterStepIsNotLeftForEver_ToAWorkerThatIsThereButNeverAsks()
    {
        _bench.Register("outer", outerOnly: true, slots: 2);
        _bench.Register("far");
        _bench.Submit(Outer("step"));
        for (int second = 0; second < 20; second++)
        {
            Assert.Null(_bench.Ask("far").Grant);
            _bench.Pass(1);
            _bench.Register("outer", outerOnly: true, slots: 2);
        }

        _bench.Pass(1);
        Assert.Equal(Key("step"), _bench.Lease("far").Demand.Key);
    }

    [Fact]
    public void WhatWaitsForThoseForOuterSteps_CountsForNobodyElse_AndSaysWhomItWaitsFor()
    {
        _bench.Register("outer", outerOnly: true);
        _bench.Register("busy", slots: 2);
        _bench.Register("idle");
        _bench.Submit(Demand("long"));
        _bench.Lease("busy");
        foreach (string step in new[] { "a", "b", "c", "d" })
        {
            _bench.Submit(Outer(step));
        }

        // One task and one idle worker: the busy one leaves it, however many outer steps wait.
        _bench.Submit(Demand("train"));
        Assert.Equal(WaitCause.OthersAreSooner, _bench.Ask("busy").Wait!.Cause);
        Assert.Contains(
            "outer steps (outer)", _bench.Rules.Status(_bench.State, _bench.Now).Tasks.Single(task => task.Key == Key("a")).WaitsOn.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void AWorkerThatLeaves_OrComesBackAsAnother_IsNotWaitedFor()
    {
        _bench.Register("outer", outerOnly: true);
        _bench.Register("far");
        _bench.Submit(Outer("step"));
        Assert.Null(_bench.Ask("far").Grant);
        _bench.Register("outer", incarnation: 2);
        LeaseGrant grant = _bench.Lease("far");
        _bench.Complete("far", grant);

        _bench.Register("outer", incarnation: 3, outerOnly: true);
        _bench.Submit(Outer("next"));
        Assert.Null(_bench.Ask("far").Grant);
        _bench.State = DispatcherRules.Leave(_bench.State, new WorkerId("outer"), 3, _bench.Now);
        Assert.Equal(Key("next"), _bench.Lease("far").Demand.Key);
    }

    private static TaskDemand Outer(string name) => Demand(name) with { Kind = "outer", Beside = true, Divisible = false, Priority = 2 };
}
