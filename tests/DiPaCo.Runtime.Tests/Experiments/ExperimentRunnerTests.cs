using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Experiments;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tests.Support;
using DiPaCo.Training;
using Xunit;

namespace DiPaCo.Runtime.Tests.Experiments;

/// <summary>Rows that share stages end as they would alone, and compute what they share once.</summary>
public sealed class ExperimentRunnerTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task Rows_ShareWhatTheyAgreeIn_AndEndAsTheyWouldAlone()
    {
        Experiment table = Table();
        List<EventLog> logs = [];

        ExperimentResults results = await RunAsync(table, "experiment", logs);

        foreach (LoadedConfig run in table.Rows.SelectMany(row => row.Runs))
        {
            string name = run.Config.Name;
            await _runs.TrainAsync($"alone-{name}", run.Config);
            Assert.Equal(_runs.Contents($"alone-{name}"), _runs.Contents(RunOf(name)));
            Assert.True((await _runs.VerifyAsync(RunOf(name))).IsSound);
        }

        // The second row trains its paths and nothing else; another seed shares corpus and tokens only.
        Assert.Equal(4, Trained(logs[0], Stage.Base));
        Assert.Equal(0, Trained(logs[2], Stage.Base));
        Assert.Equal(0, Trained(logs[2], Stage.Dense));
        Assert.True(Trained(logs[2], Stage.Phases) > 0);
        Assert.Equal(4, Trained(logs[1], Stage.Base));
        Assert.Equal(["plain", "averaged"], results.Rows.Select(row => row.Name));
        Assert.Equal([1L, 2], results.Rows[0].Runs.Select(run => run.Seed));

        // Which documents are scored does not depend on the seed.
        Assert.Single(results.Rows.SelectMany(row => row.Runs).Select(run => run.Evaluation[0].ScoredTokens).Distinct());
    }

    [Fact]
    public async Task RowsOfAnotherTau_HaveBaseAndDenseModelInCommon()
    {
        LoadedConfig Run(string row, int phases, int innerSteps) => _runs.Loaded with
        {
            Config = _runs.Config with
            {
                Name = $"{row}-seed1",
                Recipe = _runs.Config.Recipe with { BaseSteps = 60, Phases = phases, InnerSteps = innerSteps },
                Inner = _runs.Config.Inner with { BaseLearningRate = 1e-3, LearningRate = 1e-3 },
            },
        };
        Experiment table = new("tau", [new ExperimentRow("tau-4", [Run("tau-4", 15, 4)]), new ExperimentRow("tau-20", [Run("tau-20", 3, 20)])]);
        List<EventLog> logs = [];

        ExperimentResults results = await RunAsync(table, "experiment", logs);

        Assert.Equal((60, 60), (Trained(logs[0], Stage.Base), Trained(logs[0], Stage.Dense)));
        Assert.Equal((0, 0), (Trained(logs[1], Stage.Base), Trained(logs[1], Stage.Dense)));
        EvaluationRow[] dense = [.. results.Rows.Select(row => row.Runs[0].Evaluation.Single(model => model.Kind == ModelKind.DenseEqualSteps))];
        Assert.Equal(dense[0], dense[1]);
        await _runs.TrainAsync("alone", table.Rows[1].Runs[0].Config);
        Assert.Equal(_runs.Contents("alone"), _runs.Contents(RunOf("tau-20-seed1")));
        Assert.True((await _runs.VerifyAsync(RunOf("tau-20-seed1"))).IsSound);
    }

    [Fact]
    public async Task AnExperimentThatWasStopped_GoesOn_AndFinishedRunsAreNotRunAgain()
    {
        Experiment table = Table();
        ExperimentResults whole = await RunAsync(table, "whole", []);
        using CancellationTokenSource stopping = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(
            table,
            "experiment",
            [],
            (run, runEvent) =>
            {
                if (run == "averaged-seed1" && runEvent is PhaseFinished { Phase.Value: 0 })
                {
                    stopping.Cancel();
                }
            },
            cancellationToken: stopping.Token));

        List<EventLog> logs = [];
        ExperimentResults resumed = await RunAsync(table, "experiment", logs);

        Assert.Empty(logs[0].Of<StepMade>());
        Assert.Empty(logs[1].Of<StepMade>());
        Assert.Equal(
            whole.Rows.SelectMany(row => row.Runs).Select(run => run.ModelDigest),
            resumed.Rows.SelectMany(row => row.Runs).Select(run => run.ModelDigest));
    }

    [Fact]
    public async Task AChangedRow_IsRefused_AndNamed()
    {
        Experiment table = Table();
        await RunAsync(table, "experiment", []);
        LoadedConfig run = table.Rows[1].Runs[0];
        Experiment changed = table with
        {
            Rows = [table.Rows[0], table.Rows[1] with { Runs = [run with { Config = run.Config with { Outer = run.Config.Outer with { LearningRate = 0.6 } } }] }],
        };

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => RunAsync(changed, "experiment", []));

        Assert.StartsWith("Row 'averaged', seed 1: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("outer.learning_rate: 1 in the run, 0.6 now", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunThatDiverges_IsNoted_AndTheOthersAreTrained()
    {
        Experiment whole = Table();
        LoadedConfig Ruined(LoadedConfig run) => run with
        {
            Config = run.Config with { Recipe = run.Config.Recipe with { Stages = [new PhaseStage(1, 2, 0.01, 0), new PhaseStage(1, 2, 1e30, 0)] } },
        };
        Experiment table = whole with
        {
            Rows = [new ExperimentRow("plain", [Ruined(whole.Rows[0].Runs[0]), whole.Rows[0].Runs[1]]), new ExperimentRow("averaged", [.. whole.Rows[1].Runs])],
        };
        List<EventLog> logs = [];
        List<string> told = [];

        ExperimentResults results = await RunAsync(
            table, "experiment", logs, ended: soFar => told.Add($"{soFar.Rows.Sum(row => row.Runs.Length)} + {soFar.Failed.Length}"));

        Assert.Equal(["0 + 1", "1 + 1", "2 + 1"], told);
        Assert.Equal([("plain", 2L), ("averaged", 1L)], results.Rows.Select(row => (row.Name, row.Runs.Single().Seed)));
        FailedRun failed = Assert.Single(results.Failed);
        Assert.Equal(("plain", 1L), (failed.Row, failed.Seed));
        Assert.Matches("^Training of path 0 in phase 2 stopped: ", failed.Message);

        // Begun again, it is tried again, from where it stopped; no other run is.
        logs.Clear();
        ExperimentResults again = await RunAsync(table, "experiment", logs);
        Assert.Equal([failed], again.Failed);
        Assert.All(logs, log => Assert.DoesNotContain(log.Of<StepMade>(), step => step.Stage == Stage.Base));
    }

    [Fact]
    public void OnlyWhatIsWrongWithARunItself_IsItsOwnFailure()
    {
        Assert.True(FailedRun.IsOwn(new DiPaCoException("Too few documents.")));
        Assert.True(FailedRun.IsOwn(new DiPaCoException("Training stopped.", new NonFiniteStepException("loss is NaN"))));
        Assert.False(FailedRun.IsOwn(new StorageException("file", "The disk is full.")));
        Assert.False(FailedRun.IsOwn(new DiPaCoException("It cannot be written.", new IOException("no space"))));
        Assert.False(FailedRun.IsOwn(new MissingBlobException(BlobHash.Of([1]), "store")));
    }

    [Fact]
    public async Task ADamagedBlobOfASibling_IsNotTaken()
    {
        Experiment table = Table();
        await RunAsync(table with { Rows = [table.Rows[0] with { Runs = [table.Rows[0].Runs[0]] }] }, "experiment", []);
        RunView first = new(_runs.File(RunOf("plain-seed1")));
        string file = first.FileOf(first.Model!.Base.Parameters);
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);

        DamagedBlobException refusal = await Assert.ThrowsAnyAsync<DiPaCoException>(() => RunAsync(table, "experiment", [])) is { InnerException: DamagedBlobException damage } ? damage : throw new InvalidOperationException();

        Assert.Contains(file, refusal.Message, StringComparison.Ordinal);
    }

    private static string RunOf(string name) => Path.Combine("experiment", "runs", name);

    private static int Trained(EventLog log, Stage stage) => log.Of<StepMade>().Count(step => step.Stage == stage);

    private Task<ExperimentResults> RunAsync(
        Experiment table, string folder, List<EventLog> logs, Action<string, RunEvent>? seen = null, Action<ExperimentResults>? ended = null,
        CancellationToken cancellationToken = default) =>
        new ExperimentRunner(_runs.File(folder), (run, runFolder, others, token) =>
        {
            EventLog log = new() { Seen = (_, runEvent) => seen?.Invoke(run.Config.Name, runEvent) };
            logs.Add(log);
            return new RunEngine(TimeProvider.System) { MeasuresMachine = false, Others = others }.TrainAsync(run, runFolder, log, token);
        }).RunAsync(
            table,
            soFar =>
            {
                ended?.Invoke(soFar);
                return Task.CompletedTask;
            },
            cancellationToken);

    private Experiment Table()
    {
        LoadedConfig Run(string row, long seed, OuterOptimizerOptions outer) => _runs.Loaded with
        {
            Config = _runs.Config with { Name = $"{row}-seed{seed}", Seed = seed, Outer = outer, Evaluation = _runs.Config.Evaluation with { MaxDocuments = 7 } },
        };
        OuterOptimizerOptions averaged = new() { LearningRate = 1, Momentum = 0 };
        return new Experiment("table",
        [
            new ExperimentRow("plain", [Run("plain", 1, new()), Run("plain", 2, new())]),
            new ExperimentRow("averaged", [Run("averaged", 1, averaged)]),
        ]);
    }
}
