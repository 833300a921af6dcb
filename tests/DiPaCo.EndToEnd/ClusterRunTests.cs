using System.Text.RegularExpressions;
using DiPaCo.Core;
using DiPaCo.RunHost;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.EndToEnd;

/// <summary>A run over several processes that are killed and frozen ends with the bytes of a run in one process that nobody disturbed.</summary>
public sealed partial class ClusterRunTests(UninterruptedRun reference) : IClassFixture<UninterruptedRun>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARunOfOneProcessThatListens_EndsWithTheSameBytes()
    {
        string run = Path.Combine(reference.Folder, "alone");
        using DipacoProcess silo = DipacoProcess.Start("train", reference.Config, "--run", run, "--listen", "127.0.0.1:0");

        Assert.True(await silo.EndAsync(Cancellation) == 0, silo.Output);
        Assert.Equal(WithoutJournal(reference.Contents), WithoutJournal(RunContents.Of(run)));
    }

    [Fact]
    public async Task WorkersThatAreKilledAndFrozen_CostTimeAndNothingElse()
    {
        RandomStream random = new(11, "workers to kill");
        string run = Path.Combine(reference.Folder, "workers");
        using DipacoProcess silo = DipacoProcess.Start("train", reference.Config, "--run", run, "--listen", "127.0.0.1:0", "--workers-only", "--lease", "2");
        string invitation = Invitation().Match(await silo.LineWithAsync("dipaco1.", Cancellation)).Value;
        DipacoProcess[] workers = [.. Enumerable.Range(0, 3).Select(i => Worker(invitation, i))];
        int killed = 0, frozen = 0;
        try
        {
            while (!silo.HasExited)
            {
                int victim = random.NextInt32(workers.Length);
                await WaitForWorkAsync(workers[victim], silo);
                await Task.WhenAny(silo.EndAsync(Cancellation), Task.Delay(TimeSpan.FromMilliseconds(random.NextInt32(800)), TimeProvider.System, Cancellation));
                if (silo.HasExited)
                {
                    break;
                }

                if (random.NextInt32(4) == 0)
                {
                    // Longer than a lease: its task goes to another worker, and what it delivers later is known already.
                    workers[victim].Signal("STOP");
                    await Task.WhenAny(silo.EndAsync(Cancellation), Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, Cancellation));
                    workers[victim].Signal("CONT");
                    frozen++;
                }
                else
                {
                    workers[victim].Kill();
                    workers[victim].Dispose();
                    workers[victim] = Worker(invitation, victim);
                    killed++;
                }
            }
        }
        finally
        {
            Array.ForEach(workers, worker => worker.Dispose());
        }

        Assert.True(await silo.EndAsync(Cancellation) == 0, silo.Output);
        TestContext.Current.SendDiagnosticMessage($"{killed} workers killed, {frozen} frozen");
        Assert.True(killed > 0, "No worker was killed: the test shows nothing.");
        Assert.Equal(WithoutJournal(reference.Contents), WithoutJournal(RunContents.Of(run)));
    }

    [Fact]
    public async Task ASiloThatIsKilled_GoesOnWithTheWorkersThatItHad()
    {
        string run = Path.Combine(reference.Folder, "silo");
        string[] train = ["train", reference.Config, "--run", run, "--listen", $"127.0.0.1:{FreePort.Find()}", "--workers-only", "--lease", "2"];
        DipacoProcess silo = DipacoProcess.Start(train);
        string invitation = Invitation().Match(await silo.LineWithAsync("dipaco1.", Cancellation)).Value;
        using DipacoProcess worker = Worker(invitation, 0);
        RandomStream random = new(12, "moments to kill the silo at");
        int killed = 0;
        try
        {
            for (; killed < 4; killed++)
            {
                await Task.WhenAny(silo.EndAsync(Cancellation), silo.LineWithAsync("base:", Cancellation));
                await Task.WhenAny(silo.EndAsync(Cancellation), Task.Delay(TimeSpan.FromMilliseconds(random.NextInt32(1500)), TimeProvider.System, Cancellation));
                if (silo.HasExited)
                {
                    break;
                }

                silo.Kill();
                silo.Dispose();
                silo = DipacoProcess.Start(train);
            }

            Assert.True(await silo.EndAsync(Cancellation) == 0, silo.Output);
        }
        finally
        {
            silo.Dispose();
        }

        Assert.True(killed > 0, "The silo was never killed: the test shows nothing.");
        Assert.Equal(WithoutJournal(reference.Contents), WithoutJournal(RunContents.Of(run)));
    }

    [Fact]
    public async Task WorkersThatAreAskedToLeave_HandOverWhatTheyHaveMade()
    {
        (string config, string alone, string run) = await LongTasksAsync("leaving");

        RandomStream random = new(13, "moments to ask workers to leave at");
        using DipacoProcess silo = DipacoProcess.Start("train", config, "--run", run, "--listen", "127.0.0.1:0", "--workers-only", "--lease", "2");
        string invitation = Invitation().Match(await silo.LineWithAsync("dipaco1.", Cancellation)).Value;
        await silo.LineWithAsync("waits for: A worker: none is there", Cancellation);
        int handedOver = 0;
        for (int worker = 0; handedOver == 0 && !silo.HasExited; worker++)
        {
            using DipacoProcess leaving = Worker(invitation, worker);
            await Task.WhenAny(silo.EndAsync(Cancellation), leaving.LineWithAsync("] takes train", Cancellation));

            // Nobody knows how long a fifth of a task takes here: each worker gets twice the time of the one before.
            TimeSpan stays = TimeSpan.FromMilliseconds((300 << Math.Min(worker, 8)) + random.NextInt32(500));
            await Task.WhenAny(silo.EndAsync(Cancellation), Task.Delay(stays, TimeProvider.System, Cancellation));
            leaving.Signal("TERM");
            Assert.True(await leaving.EndAsync(Cancellation) == 0, leaving.Output);
            handedOver += HandedOver().Count(leaving.Output);
        }

        using DipacoProcess staying = Worker(invitation, 99);
        Assert.True(await silo.EndAsync(Cancellation) == 0, silo.Output);
        Assert.True(handedOver > 0, "No worker handed a task over in the middle: the test shows nothing.");
        Assert.Contains("of 300 steps", staying.Output, StringComparison.Ordinal);
        Assert.Equal(WithoutJournal(RunContents.Of(alone)), WithoutJournal(RunContents.Of(run)));
    }

    [Fact]
    public async Task AWorkerThatJoins_TakesPathsOfThePhaseThatIsUnderWay_AndOneThatLeavesStopsNothing()
    {
        (string config, string alone, string run) = await LongTasksAsync("joining");
        using DipacoProcess silo = DipacoProcess.Start("train", config, "--run", run, "--listen", "127.0.0.1:0", "--workers-only", "--lease", "2");
        string invitation = Invitation().Match(await silo.LineWithAsync("dipaco1.", Cancellation)).Value;
        using DipacoProcess first = Worker(invitation, 0);
        await first.LineWithAsync("] takes train", Cancellation);

        // There is one phase: whatever the second one trains is of the phase that the first one has begun.
        using DipacoProcess second = Worker(invitation, 1);
        await second.LineWithAsync("] delivered train", Cancellation);
        Assert.DoesNotContain("phase 1/1 done", silo.Output, StringComparison.Ordinal);
        first.Signal("TERM");
        Assert.True(await first.EndAsync(Cancellation) == 0, first.Output);

        Assert.True(await silo.EndAsync(Cancellation) == 0, silo.Output);
        Assert.Equal(WithoutJournal(RunContents.Of(alone)), WithoutJournal(RunContents.Of(run)));
    }

    [Fact]
    public async Task AWorkerThatIsKilledAndComesBack_GoesOnFromTheStateThatItHadKept()
    {
        (string config, string alone, string run) = await LongTasksAsync("coming-back");
        using DipacoProcess silo = DipacoProcess.Start("train", config, "--run", run, "--listen", "127.0.0.1:0", "--workers-only", "--lease", "30");
        string invitation = Invitation().Match(await silo.LineWithAsync("dipaco1.", Cancellation)).Value;
        RandomStream random = new(14, "moments to kill a worker at");
        int goneOn = 0, attempts = 0;
        while (goneOn == 0 && !silo.HasExited)
        {
            using DipacoProcess worker = ComingBack(invitation);
            await Task.WhenAny(silo.EndAsync(Cancellation), worker.LineWithAsync("] takes train", Cancellation));
            TimeSpan stays = TimeSpan.FromMilliseconds((300 << Math.Min(attempts++, 8)) + random.NextInt32(500));
            await Task.WhenAny(silo.EndAsync(Cancellation), Task.Delay(stays, TimeProvider.System, Cancellation));
            goneOn += GoesOn().Count(worker.Output);
            worker.Kill();
        }

        using DipacoProcess staying = ComingBack(invitation);
        Assert.True(await silo.EndAsync(Cancellation) == 0, silo.Output);
        Assert.True(goneOn > 0, "No worker went on from what it had kept: the test shows nothing.");
        Assert.Equal(WithoutJournal(RunContents.Of(alone)), WithoutJournal(RunContents.Of(run)));

        DipacoProcess ComingBack(string invitation) => DipacoProcess.Start(
            "worker", "--join", invitation, "--name", "same", "--threads", "1", "--device", "cpu", "--checkpoint-every", "0.01",
            "--cache", Path.Combine(reference.Folder, "cache-same"));
    }

    /// <summary>A run whose tasks are long enough to be left in the middle, and what it is when nobody leaves.</summary>
    private async Task<(string Config, string Alone, string Run)> LongTasksAsync(string name)
    {
        string folder = Path.Combine(reference.Folder, name), config = Path.Combine(folder, "small.yaml");
        SmallRun.Prepare(folder);
        await File.WriteAllTextAsync(
            config,
            (await File.ReadAllTextAsync(config, Cancellation))
                .Replace("inner_steps: 2", "inner_steps: 300", StringComparison.Ordinal)
                .Replace("phases: 2", "phases: 1", StringComparison.Ordinal)
                .Replace("every_phases: 1", "every_phases: 1\n  dense_equal_steps: false\n  dense_equal_flops: false", StringComparison.Ordinal),
            Cancellation);
        string alone = Path.Combine(folder, "alone");
        using DipacoProcess undisturbed = DipacoProcess.Start("train", config, "--run", alone);
        Assert.True(await undisturbed.EndAsync(Cancellation) == 0, undisturbed.Output);
        return (config, alone, Path.Combine(folder, "run"));
    }

    [Theory]
    [InlineData("bf16", "fp32")]
    [InlineData("int8", "int8")]
    public async Task ModulesThatArePublished_LeadToTheSameBytes_WhoeverHadTheVersionsBefore(string download, string codec)
    {
        string folder = Path.Combine(reference.Folder, $"published-{download}"), config = Path.Combine(folder, "small.yaml");
        SmallRun.Prepare(folder);
        await File.WriteAllTextAsync(
            config,
            (await File.ReadAllTextAsync(config, Cancellation)).Replace("phases: 2", "phases: 4", StringComparison.Ordinal)
                + $"outer:\n  download: {download}\n  codec: {codec}\n",
            Cancellation);
        string alone = Path.Combine(folder, "alone"), run = Path.Combine(folder, "run");
        using DipacoProcess undisturbed = DipacoProcess.Start("train", config, "--run", alone);
        Assert.True(await undisturbed.EndAsync(Cancellation) == 0, undisturbed.Output);

        using DipacoProcess silo = DipacoProcess.Start("train", config, "--run", run, "--listen", "127.0.0.1:0", "--workers-only", "--lease", "2");
        string invitation = Invitation().Match(await silo.LineWithAsync("dipaco1.", Cancellation)).Value;
        using DipacoProcess first = Worker(invitation, 0), second = Worker(invitation, 1);

        // Comes with an empty cache when versions are out already.
        await Task.WhenAny(silo.EndAsync(Cancellation), silo.LineWithAsync("phase 2/4", Cancellation));
        using DipacoProcess late = Worker(invitation, 2);
        Assert.True(await silo.EndAsync(Cancellation) == 0, silo.Output);
        foreach (DipacoProcess worker in new[] { first, second })
        {
            worker.Signal("TERM");
            Assert.True(await worker.EndAsync(Cancellation) == 0, worker.Output);
            TestContext.Current.SendDiagnosticMessage(worker.Output.Split('\n').Last(line => line.StartsWith("fetched", StringComparison.Ordinal)));
        }

        Assert.Equal(WithoutJournal(RunContents.Of(alone)), WithoutJournal(RunContents.Of(run)));
    }

    private DipacoProcess Worker(string invitation, int number) => DipacoProcess.Start(
        "worker", "--join", invitation, "--name", $"worker-{number}", "--threads", "1", "--device", "cpu",
        "--cache", Path.Combine(reference.Folder, $"cache-{number}-{Guid.NewGuid():n}"));

    private static async Task WaitForWorkAsync(DipacoProcess worker, DipacoProcess silo) =>
        await Task.WhenAny(silo.EndAsync(Cancellation), worker.LineWithAsync("] takes", Cancellation));

    /// <summary>The order of the journal is that in which tasks ended, which many hands change.</summary>
    private static IEnumerable<string> WithoutJournal(IEnumerable<string> contents) =>
        contents.Where(line => !line.StartsWith("journal", StringComparison.Ordinal));

    [GeneratedRegex("\\] takes train [0-9a-f]+ of [^ ]+ after [0-9]+ of 300 steps")]
    private static partial Regex GoesOn();

    [GeneratedRegex("Leaving, after [0-9]+ of 300 steps")]
    private static partial Regex HandedOver();

    [GeneratedRegex("dipaco1\\.[A-Za-z0-9_-]+")]
    private static partial Regex Invitation();
}
