using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Cluster.Tests.Runs;

public sealed class RunLifeRulesTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    private static RunMemory Running => RunLifeRules.Submit(new RunMemory(), "run", "{}", "yaml", strict: true, Now);

    [Fact]
    public void EveryWish_MayComeTwice()
    {
        RunMemory paused = RunLifeRules.Pause(Running, "run", Now);
        RunMemory gone = RunLifeRules.Delete(paused, "run", Now);

        Assert.Same(Running.Configuration, RunLifeRules.Submit(Running, "run", "{}", "yaml", strict: true, Now).Configuration);
        Assert.Same(paused, RunLifeRules.Pause(paused, "run", Now));
        Assert.Equal(RunLife.Running, RunLifeRules.Resume(paused, "run", Now).Life);
        Assert.Equal(RunLifeRules.Resume(paused, "run", Now), RunLifeRules.Resume(RunLifeRules.Resume(paused, "run", Now), "run", Now));
        Assert.Same(gone, RunLifeRules.Delete(gone, "run", Now));
    }

    [Fact]
    public void EveryChange_HasALargerNumber()
    {
        RunMemory paused = RunLifeRules.Pause(Running, "run", Now), failed = RunLifeRules.Ended(paused, 1, "why", "", Now);

        Assert.Equal([1, 2, 3, 4, 5], new[] { Running, paused, failed, RunLifeRules.Resume(failed, "run", Now), RunLifeRules.Delete(RunLifeRules.Resume(failed, "run", Now), "run", Now) }
            .Select(memory => memory.Number));
    }

    [Fact]
    public void WhatIsAtItsEnd_StaysThere_AndADeletedNameIsFree()
    {
        RunMemory finished = RunLifeRules.Ended(Running, 1, "", "digest", Now);
        RunMemory gone = RunLifeRules.Delete(finished, "run", Now);

        Assert.Contains("it is finished", Assert.Throws<DiPaCoException>(() => RunLifeRules.Resume(finished, "run", Now)).Message, StringComparison.Ordinal);
        Assert.Same(finished, RunLifeRules.Ended(finished, 1, "late", "", Now));
        Assert.Same(gone, RunLifeRules.Ended(gone, 1, "", "late", Now));
        RunMemory again = RunLifeRules.Submit(gone, "run", "other", "yaml", strict: true, Now);
        RunMemory repaired = RunLifeRules.Resume(RunLifeRules.Ended(Running, 1, "why", "", Now), "run", Now);
        Assert.Same(again, RunLifeRules.Ended(again, 1, "", "of the run before", Now));
        Assert.Same(repaired, RunLifeRules.Ended(repaired, 1, "why", "", Now));
        Assert.Equal(RunLife.Finished, RunLifeRules.Ended(repaired, 2, "", "digest", Now).Life);
        Assert.Contains("no run 'run'", Assert.Throws<DiPaCoException>(() => RunLifeRules.Pause(gone, "run", Now)).Message, StringComparison.Ordinal);
        Assert.Equal(RunLife.Running, RunLifeRules.Submit(gone, "run", "other", "yaml", strict: true, Now).Life);
    }

    [Fact]
    public void ANameThatIsTaken_IsRefusedForAnotherConfiguration() =>
        Assert.Contains("another configuration", Assert.Throws<DiPaCoException>(() => RunLifeRules.Submit(Running, "run", "other", "yaml", strict: true, Now)).Message, StringComparison.Ordinal);
}
