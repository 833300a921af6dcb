using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>The dense models that a run is compared with.</summary>
public sealed class BaselineTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(DenseStart.Fork, 4, 16)]
    [InlineData(DenseStart.Scratch, 8, 20)]
    public async Task BothBaselines_MakeTheirSteps_AndMeasureEachOnItsOwn(DenseStart start, int equalSteps, int equalFlops)
    {
        RunResults results = await _runs.TrainAsync("run", Both(start));

        IReadOnlyList<StepMetric> measured = await MetricsReader.ReadAsync(new RunView(_runs.File("run")).Paths.Metrics, CancellationToken.None);
        Assert.Equal(Enumerable.Range(1, equalSteps), StepsOf(ModelKind.DenseEqualSteps));
        Assert.Equal(Enumerable.Range(1, equalFlops), StepsOf(ModelKind.DenseEqualFlops));
        Assert.Equal(
            [(ModelKind.Routed, 8L), (ModelKind.DenseEqualSteps, 8L), (ModelKind.DenseEqualFlops, 20L), (ModelKind.DenseBase, 4L)],
            results.Evaluation.Select(row => (row.Kind, row.Steps)));

        // As equal as batches of documents of different lengths can be.
        Assert.Equal(results.Evaluation[0].TrainingFlops, results.Evaluation[2].TrainingFlops, 0.1 * results.Evaluation[0].TrainingFlops);

        IEnumerable<int> StepsOf(ModelKind kind) => measured.Where(step => step.Baseline == kind).Select(step => step.Step);
    }

    [Theory]
    [InlineData(DenseStart.Fork)]
    [InlineData(DenseStart.Scratch)]
    public async Task WithALearningRateThatNeverFalls_BothBaselinesKeepTheirParameters(DenseStart start)
    {
        RunConfig config = Both(start);
        config = config with { Inner = config.Inner with { FinalShare = 1, WarmupSteps = 0, BaseWarmupSteps = 0 } };

        RunResults results = await _runs.TrainAsync("run", config);

        RunView run = new(_runs.File("run"));
        Assert.Equal(2, run.Model!.Baselines.Select(baseline => baseline.Parameters).Distinct().Count());
        Assert.All(run.Model.Baselines, baseline => Assert.True(File.Exists(run.FileOf(baseline.Parameters))));
        Assert.All(results.Evaluation, row => Assert.True(double.IsFinite(row.Perplexity)));
    }

    /// <summary>Without stages every rate is one of a single schedule; the keys of the section inner say nothing where there are stages.</summary>
    [Fact]
    public async Task FromTheFork_TheLearningRatesFollowTheStages_StretchedAtEqualFlops()
    {
        RunConfig config = Both(DenseStart.Fork);
        config = config with
        {
            Recipe = config.Recipe with { Stages = [new PhaseStage(1, 2, 0.02, 1), new PhaseStage(1, 2, 0.001, 0)] },
            Inner = config.Inner with { LearningRate = 0.5, WarmupSteps = 3 },
        };

        await _runs.TrainAsync("run", config);

        IReadOnlyList<StepMetric> measured = await MetricsReader.ReadAsync(new RunView(_runs.File("run")).Paths.Metrics, CancellationToken.None);
        double[] RatesOf(Func<StepMetric, bool> chosen) => [.. measured.Where(chosen).OrderBy(step => step.Step).Select(step => step.LearningRate)];
        Assert.Equal(4, RatesOf(step => step.Path == new PathId(0)).Length);
        Assert.Equal(RatesOf(step => step.Path == new PathId(0)), RatesOf(step => step.Baseline == ModelKind.DenseEqualSteps));

        // Sixteen steps are eight of each stage, the warm-up as long as it was.
        double Cosine(double peak, int step, int steps) => peak * (config.Inner.FinalShare + ((1 - config.Inner.FinalShare) * 0.5 * (1 + Math.Cos(Math.PI * step / steps))));
        double[] stretched = [0.02, .. Enumerable.Range(1, 7).Select(step => Cosine(0.02, step, 7)), .. Enumerable.Range(1, 8).Select(step => Cosine(0.001, step, 8))];
        double[] found = RatesOf(step => step.Baseline == ModelKind.DenseEqualFlops);
        Assert.Equal(stretched.Length, found.Length);
        Assert.All(stretched.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    [Fact]
    public async Task Status_SaysThatTheBaselinesAreAtWork()
    {
        RunConfig config = Both(DenseStart.Fork);
        Assert.True(await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is StepMade { Stage: Stage.Phases, Phase.Value: 1 }, config));
        RunStatus phases = await RunEngine.StatusAsync(_runs.File("run"), CancellationToken.None);
        Assert.True(await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is StepMade { Stage: Stage.Dense }, config));
        RunStatus dense = await RunEngine.StatusAsync(_runs.File("run"), CancellationToken.None);
        Assert.True(await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is StageStarted { Stage: Stage.Evaluation }, config));
        RunStatus evaluation = await RunEngine.StatusAsync(_runs.File("run"), CancellationToken.None);

        Assert.Equal((Stage.Phases, 1), (phases.Stage, phases.PhasesDone));
        Assert.Equal((Stage.Dense, 2), (dense.Stage, dense.PhasesDone));
        Assert.Equal((Stage.Evaluation, 2), (evaluation.Stage, evaluation.PhasesDone));
    }

    private RunConfig Both(DenseStart start) => _runs.Config with
    {
        Evaluation = _runs.Config.Evaluation with { DenseEqualFlops = true, DenseStart = start },
    };
}
