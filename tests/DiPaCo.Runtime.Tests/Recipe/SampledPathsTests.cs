using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Phases in which only some of the paths take part (paper §2.6.2).</summary>
public sealed class SampledPathsTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task APhase_TrainsThePathsWhoseTurnItIs_AndMovesNoOtherModule()
    {
        RunConfig config = Config(phases: 2, perPhase: 1);
        await _runs.TrainAsync("run", config);
        RunView run = new(_runs.File("run"));
        PathTurns turns = PathTurns.Of(config, run.Topology.Paths);
        string[] trained = [.. run.Entries.Where(entry => entry.Kind == "outer").Select(entry => entry.Outputs[OuterSpec.ModuleOutput].Hex)];
        PathId[] taking = [turns[new Phase(0)][0], turns[new Phase(1)][0]];
        int expected = taking.Sum(path => run.Topology.ModulesOf(path).Length);

        Assert.Equal(expected, trained.Length);
        using Workbench bench = new(run);
        foreach (ModuleDefinition module in run.Topology.Modules.Where(module => !module.Paths.Intersect(taking).Any()))
        {
            Assert.Equal(await bench.ForkAsync(run.Model!.Base.Parameters, module), run.Model.Modules[module.Id.Name]);
        }
    }

    [Fact]
    public async Task APath_GoesOnInItsShardAndWithItsMoments_WhereItsLastTurnEnded_AtThePhasesLearningRate()
    {
        EventLog events = new();
        ObservedCluster observed = new();
        RunConfig config = Config(phases: 8, perPhase: 2);
        await _runs.TrainAsync("run", config, events, cluster: observed);
        StepMade[] steps = [.. events.Of<StepMade>().Where(step => step.Path is not null)];

        foreach (IGrouping<PathId, StepMade> path in steps.GroupBy(step => step.Path!.Value))
        {
            Assert.Equal(Enumerable.Range(1, 8), path.Select(step => step.Step));
        }

        // A first turn begins with moments of zero, also one that comes when the warm-up is over.
        foreach ((TrainSpec Spec, TaskResult Result)[] path in observed.Of<TrainSpec>().Where(task => task.Spec.Model.Modules.Length > 1).GroupBy(task => task.Spec.Order).Select(turns => turns.ToArray()))
        {
            Assert.Equal([null, .. path.SkipLast(1).Select(turn => (BlobHash?)turn.Result[TrainSpec.OptimizerOutput])], path.Select(turn => turn.Spec.Optimizer));
        }

        Assert.Contains(observed.Of<TrainSpec>(), task => task.Spec is { Optimizer: null, FirstStep: 0, ScheduleStep: 2 });

        // The learning rate is the phase's, whoever takes part in it.
        Assert.All(steps.GroupBy(step => (step.Phase, (step.Step - 1) % 2)), same => Assert.Single(same.Select(step => step.LearningRate).Distinct()));
        Assert.Equal(8 * 2 * 2, steps.Length);
    }

    [Fact]
    public async Task ARunThatWasStopped_EndsWithTheSameModel()
    {
        RunConfig config = Config(phases: 3, perPhase: 3);
        RunResults whole = await _runs.TrainAsync("whole", config);
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, runEvent) => runEvent is PhaseFinished { Phase.Value: 1 }, config));

        RunResults resumed = await _runs.TrainAsync("stopped", config);

        Assert.Equal(whole.ModelDigest, resumed.ModelDigest);
        Assert.Equal(_runs.Contents("whole"), _runs.Contents("stopped"));
    }

    private RunConfig Config(int phases, int perPhase) => _runs.Config with
    {
        Recipe = _runs.Config.Recipe with { Phases = phases, PathsPerPhase = perPhase, KeepPhases = 20 },
        Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false },
    };
}
