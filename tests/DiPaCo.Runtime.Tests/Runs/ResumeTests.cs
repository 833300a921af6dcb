using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

public sealed class ResumeTests(ReferenceRun reference) : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task RunStoppedAgainAndAgain_EndsWithEveryByteOfAnUninterruptedOne()
    {
        RandomStream random = new(1, "moments to stop at");
        int sessions = 1;
        while (await StopAfterAsync("stopped", 1 + random.NextInt32(5)))
        {
            sessions++;
        }

        Assert.True(sessions > 5, $"Only {sessions} sessions: the test stops too rarely.");
        Assert.Equal(reference.Contents, _runs.Contents("stopped"));
        await AssertSameMetricsAsync("stopped");
    }

    [Fact]
    public async Task OnePhase_ThenTheRest_IsTheWholeRun()
    {
        bool stopped = await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is PhaseFinished);
        RunStatus status = await RunEngine.StatusAsync(_runs.File("run"), CancellationToken.None);
        RunResults results = await _runs.TrainAsync("run");

        Assert.True(stopped);
        Assert.Equal((RunState.Stopped, 1, Stage.Phases), (status.State, status.PhasesDone, status.Stage));
        Assert.NotEqual(status.ModelDigest, results.ModelDigest);
        Assert.Equal(reference.Contents, _runs.Contents("run"));
    }

    [Fact]
    public async Task TokenizerOfTheUser_IsNeededOnce_AndMayNotChange()
    {
        string file = _runs.File("tokenizer.json");
        byte[] tokenizer = await File.ReadAllBytesAsync(reference.View.FileOf(reference.View.Model!.Tokenizer));
        await File.WriteAllBytesAsync(file, tokenizer);
        RunConfig config = _runs.Config with { Tokenizer = new TokenizerOptions { File = file } };
        Assert.True(await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is PhaseFinished, config));

        await File.WriteAllBytesAsync(file, [.. tokenizer, (byte)'\n']);
        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config));
        File.Delete(file);
        RunResults results = await _runs.TrainAsync("run", config);

        Assert.Contains("has changed since the run began", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(reference.Results.ModelDigest, results.ModelDigest);
    }

    [Fact]
    public async Task TimesOfAStoppedRun_AreThoseOfAllItsSessions()
    {
        using CancellationTokenSource stopping = new();
        EventLog first = new()
        {
            Seen = (_, runEvent) =>
            {
                if (runEvent is StepMade { Phase.Value: 1, Path.Value: 2 })
                {
                    stopping.Cancel();
                }
            },
        };
        EventLog second = new();
        RunEngine engine = new(new SteppingClock()) { MeasuresMachine = false };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.TrainAsync(_runs.Loaded, _runs.File("run"), first, stopping.Token));
        RunResults results = await engine.TrainAsync(_runs.Loaded, _runs.File("run"), second, CancellationToken.None);

        Assert.Equal(Of(first, Stage.Base) + Of(second, Stage.Base), InAll(Stage.Base));
        Assert.True(InAll(Stage.Phases) > Of(second, Stage.Phases), "The phases of the first session took time, too.");
        Assert.Equal(Of(second, Stage.Evaluation), InAll(Stage.Evaluation));
        Assert.Equal(results.Timings.Select(time => time.Stage).Order(), results.Timings.Select(time => time.Stage));

        TimeSpan InAll(Stage stage) => results.Timings.Single(time => time.Stage == stage).Elapsed;

        static TimeSpan Of(EventLog session, Stage stage) => session.Of<StageFinished>().Single(finished => finished.Stage == stage).Elapsed;
    }

    [Fact]
    public async Task StoppedRun_GoesOnWithoutItsCorpus_OnceItHasTokens()
    {
        await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is PhaseFinished);
        File.Delete(_runs.Corpus);

        RunResults results = await _runs.TrainAsync("run");

        Assert.Equal(reference.Results.ModelDigest, results.ModelDigest);
    }

    [Fact]
    public async Task TextThatChangesBeforeTheTokenizer_TrainsNone_AndRestoredItIsTheOldRun()
    {
        byte[] text = await File.ReadAllBytesAsync(_runs.Corpus, TestContext.Current.CancellationToken);
        await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is StageFinished { Stage: Stage.Corpus });
        File.AppendAllLines(_runs.Corpus, RunHost.SmallCorpus.Lines(100, seed: 99));
        EventLog events = new();

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", observer: events));
        await File.WriteAllBytesAsync(_runs.Corpus, text, TestContext.Current.CancellationToken);
        await _runs.TrainAsync("run");

        Assert.Contains("has changed since the run began", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(events.Of<StageFinished>(), finished => finished.Stage == Stage.Tokenizer);
        Assert.Equal(reference.Contents, _runs.Contents("run"));
    }

    [Fact]
    public async Task StoppedRun_MayBeMovedElsewhere()
    {
        await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is PhaseFinished);
        Directory.Move(_runs.File("run"), _runs.File("moved"));

        await _runs.TrainAsync("moved");

        Assert.Equal(reference.Contents, _runs.Contents("moved"));
    }

    [Fact]
    public async Task Progress_CountsEveryStageUpToItsEnd_AlsoOverReusedTasks()
    {
        await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is StepMade { Phase.Value: 1, Path.Value: 2 });
        EventLog events = new();
        await _runs.TrainAsync("run", observer: events);

        AssertProgress(reference.Events);
        AssertProgress(events.Events);
        Assert.Contains(events.Of<StageAdvanced>(), advanced => advanced is { Stage: Stage.Phases, Reused: true });
        Assert.DoesNotContain(reference.Events.OfType<StageAdvanced>(), advanced => advanced.Reused);
    }

    private static void AssertProgress(IReadOnlyList<RunEvent> events)
    {
        foreach (StageStarted stage in events.OfType<StageStarted>().Where(stage => stage.Units > 0))
        {
            long[] done = [.. events.OfType<StageAdvanced>().Where(advanced => advanced.Stage == stage.Stage).Select(advanced => advanced.Done)];
            Assert.Equal(done.Order(), done);
            Assert.All(done, count => Assert.InRange(count, 1, stage.Units));
            if (stage.Unit == "steps")
            {
                Assert.Equal(stage.Units, done[^1]);
            }
        }
    }

    /// <summary>Counts steps that are really made: one that was remembered is no progress.</summary>
    private Task<bool> StopAfterAsync(string name, int steps) =>
        _runs.TrainUntilAsync(name, (_, runEvent) => runEvent is StepMade && --steps <= 0);

    private async Task AssertSameMetricsAsync(string name)
    {
        IReadOnlyList<StepMetric> expected = await ReadAsync(reference.Folder);
        IReadOnlyList<StepMetric> found = await ReadAsync(_runs.File(name));
        Assert.Equal(expected.Select(Untimed), found.Select(Untimed));

        static StepMetric Untimed(StepMetric step) => step with { Seconds = 0, DataWait = 0 };

        static Task<IReadOnlyList<StepMetric>> ReadAsync(string folder) =>
            MetricsReader.ReadAsync(new RunPaths(folder).Metrics, CancellationToken.None);
    }
}
