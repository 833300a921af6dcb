using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>Which blobs are in a run's folder: those that its journal expects, and no others.</summary>
public sealed class RetentionTests(ReferenceRun reference) : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task AfterEveryStage_TheStoreHoldsWhatTheJournalExpects_AndNothingElse()
    {
        int checks = 0;
        EventLog events = new()
        {
            Seen = (_, runEvent) =>
            {
                if (runEvent is PhaseFinished or StageFinished)
                {
                    AssertStoreIsExpected("run");
                    checks++;
                }
            },
        };

        await _runs.TrainAsync("run", observer: events);

        AssertStoreIsExpected("run");
        Assert.True(checks >= 11, $"Only {checks} moments were looked at.");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task FinishedRun_KeepsTheLastVersions_AndWhatEvaluationNeeds(int keepPhases)
    {
        RunConfig config = _runs.Config with { Recipe = _runs.Config.Recipe with { Phases = 3, KeepPhases = keepPhases } };
        await _runs.TrainAsync("run", config);
        RunView run = new(_runs.File("run"));

        int versions = run.Entries
            .Where(entry => entry.Kind == "outer")
            .Select(entry => entry.Outputs["module"])
            .Distinct().Count(run.Expected.Contains);
        int optimizers = run.Entries
            .Where(entry => entry.Kind == "train" && entry.Outputs.Count > 2)
            .Select(entry => entry.Outputs["optimizer"])
            .Distinct().Count(run.Expected.Contains);

        Assert.Equal((keepPhases + 1) * run.Topology.Modules.Length, versions);
        Assert.Equal((keepPhases + 1) * run.Topology.Paths.Length, optimizers);
        Assert.All(
            [.. run.Model!.Modules.Values, .. run.Model.DenseModels.Select(model => model.Parameters), run.Model.Router, run.Model.Tokenizer],
            blob => Assert.Contains(blob, run.Expected));
    }

    [Fact]
    public async Task LossesOfTheEvaluation_AreLetGo_AndTheTokenRouterStays_ThroughResumingRepairingAndEvaluating()
    {
        RunConfig config = _runs.Config with
        {
            Data = _runs.Config.Data with { RouterShare = 0.1 },
            Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false, RouterBounds = true, RerouteWindows = [16], TokenRouterSteps = 3 },
        };

        RunResults results = await _runs.TrainAsync("run", config);
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, runEvent) => runEvent is StageFinished { Stage: Stage.Evaluation }, config));
        Assert.Empty((await _runs.VerifyAsync("stopped")).Damaged);
        RunResults resumed = await _runs.TrainAsync("stopped", config);
        RunView run = new(_runs.File("run"));
        Assert.Equal(results.Evaluation, resumed.Evaluation);
        Assert.Equal(results.Router, resumed.Router);
        Assert.Equal(_runs.Contents("run"), _runs.Contents("stopped"));

        JournalEntry[] scores = [.. run.Entries.Where(entry => entry.Kind == "score")];
        Assert.NotEmpty(scores);
        Assert.All(scores, entry => Assert.DoesNotContain(entry.Outputs["losses"], run.Expected));
        Assert.Contains(run.Model!.TokenRouters.Single().Blob, run.Expected);
        AssertStoreIsExpected("run");

        // Lost all the same, the token router is trained again, from losses that are computed again and let go again.
        string[] before = _runs.Contents("run");
        File.Delete(run.FileOf(run.Model.TokenRouters.Single().Blob));
        Assert.Single((await _runs.VerifyAsync("run")).Damaged);
        await _runs.VerifyAsync("run", repair: true);
        RunResults repaired = await _runs.TrainAsync("run", config);
        Assert.Equal(results.Evaluation, repaired.Evaluation);
        Assert.Equal(Blobs(before), Blobs(_runs.Contents("run")));
        Assert.Empty((await _runs.VerifyAsync("run")).Damaged);
        EvaluationResult again = await new RunEngine(TimeProvider.System).EvaluateAsync(_runs.File("run"), [], new SilentObserver(), CancellationToken.None);
        Assert.Equal(results.Evaluation, again.Evaluation);

        static IEnumerable<string> Blobs(string[] contents) => contents.Where(file => !file.StartsWith("journal", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ARunThatIsStoppedBehindItsLastRelease_DoesNotMissWhatIsGone()
    {
        RunConfig config = _runs.Config with
        {
            Data = _runs.Config.Data with { RouterShare = 0.1 },
            Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false, RouterBounds = true, RerouteWindows = [16], TokenRouterSteps = 3 },
        };
        RunResults results = await _runs.TrainAsync("run", config);
        string[] before = _runs.Contents("run");

        // As if it had been killed before it wrote its results.
        File.Delete(Path.Combine(_runs.File("run"), "results.json"));
        RunResults again = await _runs.TrainAsync("run", config);

        Assert.Equal(results.Evaluation, again.Evaluation);
        Assert.Equal(results.Router, again.Router);
        Assert.Equal(before, _runs.Contents("run"));
    }

    [Fact]
    public async Task BlobsThatNobodyKnows_AreCollected_AtTheNextStart()
    {
        await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is StepMade { Phase.Value: 1, Path.Value: 1 });
        RunView run = new(_runs.File("run"));
        BlobHash stranger = await run.Store.PutAsync("left behind by a killed process"u8.ToArray(), CancellationToken.None);
        BlobHash[] needed = [.. run.Expected];

        EventLog events = new()
        {
            Seen = (count, _) =>
            {
                if (count == 1)
                {
                    Assert.False(File.Exists(run.FileOf(stranger)));
                    Assert.All(needed, blob => Assert.True(File.Exists(run.FileOf(blob))));
                }
            },
        };
        await _runs.TrainAsync("run", observer: events);

        Assert.Equal(reference.Contents, _runs.Contents("run"));
    }

    private void AssertStoreIsExpected(string name)
    {
        // A run may be looked at while it goes on.
        string folder = _runs.File(name);
        using TaskJournal journal = TaskJournal.OpenForReading(folder);
        string[] files = [.. Directory.EnumerateFiles(new RunPaths(folder).Blobs, "*", SearchOption.AllDirectories).Select(file => Path.GetFileName(file))];
        Assert.Equal(DiPaCo.Runtime.Recipe.Retention.Expected(journal.Entries).Select(blob => blob.Hex).Order(StringComparer.Ordinal), files.Order(StringComparer.Ordinal));
    }
}
