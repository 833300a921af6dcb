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
        RunConfig later = _runs.Config with
        {
            Inner = _runs.Config.Inner with { LearningRate = Ruinous },
            Recipe = _runs.Config.Recipe with { Stages = [new PhaseStage(2, 2, 0.01, 0)] },
        };

        Assert.Matches("^Training of the base model stopped: Step 2 has loss ", (await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("base", ruined))).Message);
        Assert.Matches("^Training of 'dense, equal steps' stopped: Step [23] has loss ", (await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("dense", later))).Message);
    }

    [Fact]
    public async Task TheTokenRouter_IsNamed()
    {
        RunConfig config = _runs.Config with
        {
            Data = _runs.Config.Data with { RouterShare = 0.2 },
            Inner = _runs.Config.Inner with { LearningRate = Ruinous },
            Recipe = _runs.Config.Recipe with { Stages = [new PhaseStage(2, 2, 0.01, 0)] },
            Evaluation = _runs.Config.Evaluation with
            {
                DenseEqualSteps = false, RerouteWindows = [16], RerouteRouter = ReroutingRouter.Token, TokenRouterSteps = 4,
            },
        };

        Assert.Matches(
            "^Training of the token router stopped: Step 2 has loss ", (await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config))).Message);
    }
}
