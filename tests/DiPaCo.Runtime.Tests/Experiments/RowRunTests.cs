using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Experiments;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Experiments;

/// <summary>A row's curve stands where its run was.</summary>
public sealed class RowRunTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task APointOfTheCurve_HasTheStepsOfItsPhases_HoweverLongTheyAre()
    {
        EventLog events = new();
        RunResults results = await _runs.TrainAsync(
            "run",
            _runs.Config with
            {
                Recipe = _runs.Config.Recipe with { Phases = 3, Stages = [new PhaseStage(2, 1, 0.01, 0), new PhaseStage(1, 6, 0.01, 0)], InnerSteps = 1 },
            },
            events);

        RowRun row = RowRun.Of(1, "run", results);

        // Four base steps, two phases of one step, one of six.
        Assert.Equal([5.0, 6, 12], row.Curve.Select(point => point.Steps));
        StepMade[] base4 = [.. events.Of<StepMade>().Where(step => step.Stage == Stage.Base)];
        for (int phase = 0; phase < 3; phase++)
        {
            double trained = base4.Sum(step => step.Flops)
                + events.Of<StepMade>().Where(step => step.Stage == Stage.Phases && step.Phase!.Value.Value <= phase).Sum(step => step.Flops);
            Assert.Equal(trained, results.Validation[phase].TrainingFlops, 1e-9 * trained);
            Assert.Equal(trained + results.Evaluation[0].RoutingFlops, row.Curve[phase].Flops, 1e-9 * trained);
        }

        Assert.Equal(results.Evaluation[0].TrainingFlops, results.Validation[^1].TrainingFlops, 1e-9 * results.Evaluation[0].TrainingFlops);
        Assert.Equal(results.Evaluation[0].Steps, row.Curve[^1].Steps);
    }
}
