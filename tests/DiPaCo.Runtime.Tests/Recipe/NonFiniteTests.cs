using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tests.Support;
using DiPaCo.Training;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>A step that cannot be made says whose it was.</summary>
public sealed class NonFiniteTests : IDisposable
{
    // One step with it leaves parameters whose products are not finite any more.
    private const double Ruinous = 1e30;

    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(TrainingMode.Phases, "^Training of path 0 in phase 2 stopped: Step 4 has loss ")]
    [InlineData(TrainingMode.Synchronous, "^Training of all paths in phase 2 stopped: Step 4 of path 0 was not made. Its loss is ")]
    public async Task Phases_NamePathPhaseAndStep(TrainingMode training, string message)
    {
        RunConfig config = _runs.Config with
        {
            Recipe = _runs.Config.Recipe with { Training = training, Stages = [new PhaseStage(1, 2, 0.01, 0), new PhaseStage(1, 2, Ruinous, 0)] },
        };

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config));

        Assert.Matches(message, refusal.Message);
        Assert.IsType<NonFiniteStepException>(refusal.InnerException);
    }

    [Fact]
    public async Task DenseModels_AreNamed()
    {
        RunConfig ruined = _runs.Config with { Inner = _runs.Config.Inner with { BaseLearningRate = Ruinous, BaseWarmupSteps = 0 } };
        // Nobody looks at the paths after the last step that they make with it; the dense model makes four.
        RunConfig later = _runs.Config with
        {
            Recipe = _runs.Config.Recipe with { Stages = [new PhaseStage(1, 2, 0.01, 0), new PhaseStage(1, 1, 1e12, 0)] },
            Evaluation = _runs.Config.Evaluation with { EveryPhases = 0, DenseEqualSteps = false, DenseEqualFlops = true },
        };

        Assert.Matches("^Training of the base model stopped: Step 2 has loss ", (await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("base", ruined))).Message);
        Assert.Matches("^Training of 'dense, equal training FLOPs' stopped: Step 10 has loss ", (await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("dense", later))).Message);
    }

    /// <summary>Nothing is trained from the last outer step's modules, so only a look at their losses tells.</summary>
    [Theory]
    [InlineData(0, 1e12, 1, false)]
    [InlineData(1, 1e12, 1, false)]
    [InlineData(0, 1e12, 1, true)]
    [InlineData(0, 10, 100, false)]
    public async Task AModelThatIsRuinedByTheLastStep_IsNoResult(int everyPhases, double learningRate, double outerLearningRate, bool routerBounds)
    {
        RunConfig config = _runs.Config with
        {
            Recipe = _runs.Config.Recipe with { Stages = [new PhaseStage(1, 2, 0.01, 0), new PhaseStage(1, 1, learningRate, 0)] },
            Outer = _runs.Config.Outer with { LearningRate = outerLearningRate },
            Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false, EveryPhases = everyPhases, RouterBounds = routerBounds },
        };

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config));

        Assert.Matches("^Evaluation of path [0-3] after phase 2 stopped: [0-9,]+ tokens have a loss of ", refusal.Message);
        Assert.Contains("lower the learning rates", refusal.Message, StringComparison.Ordinal);
        Assert.IsType<NonFiniteStepException>(refusal.InnerException);
        Assert.False(File.Exists(_runs.File(Path.Combine("run", "results.json"))));
    }

    [Fact]
    public async Task ADiscriminativeRound_IsNamed()
    {
        RunConfig config = _runs.Config with
        {
            Data = _runs.Config.Data with { RouterShare = 0.2 },
            Recipe = _runs.Config.Recipe with { Stages = [new PhaseStage(1, 1, 1e12, 0), new PhaseStage(1, 1, 0.01, 0)] },
            Discriminative = _runs.Config.Discriminative with { AfterPhases = [1] },
            Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false, EveryPhases = 0 },
        };

        Assert.Matches(
            "^Scoring of the router split under the paths after phase 1 stopped: A document has a loss of .* under path 0; ",
            (await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config))).Message);
    }

    [Fact]
    public async Task TheTokenRouter_IsNamed()
    {
        RunConfig config = _runs.Config with
        {
            Data = _runs.Config.Data with { RouterShare = 0.2 },
            // The paths make one step with it, of which the outer steps take next to nothing.
            Recipe = _runs.Config.Recipe with { Phases = 1, Stages = [new PhaseStage(1, 1, 1e12, 0)] },
            Outer = _runs.Config.Outer with { LearningRate = 1e-14 },
            Evaluation = _runs.Config.Evaluation with
            {
                DenseEqualSteps = false, EveryPhases = 0, RerouteWindows = [16], RerouteRouter = ReroutingRouter.Token, TokenRouterSteps = 4,
            },
        };

        Assert.Matches(
            "^Training of the token router stopped: Step 2 has loss ", (await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config))).Message);
    }
}
