using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using Xunit;

namespace DiPaCo.Core.Tests.Planning;

public sealed class PhasePlanTests
{
    private const string Head = "name: plan\nsize: tiny\ndata: { paths: [text] }\n";

    [Fact]
    public void WithoutStages_OneScheduleRunsOverAllPhases()
    {
        PhasePlan plan = PhasePlan.Of(Config("recipe: { phases: 3, inner_steps: 4 }"));

        Assert.Equal((3, 12), (plan.Phases, plan.Steps));
        Assert.Equal([(4, 0, 0L), (4, 4, 4L), (4, 8, 8L)], Phases(plan));
    }

    [Fact]
    public void EveryStage_BeginsItsScheduleAnew_WithItsOwnSteps()
    {
        RunConfig config = Config("recipe: { stages: [{ phases: 2, inner_steps: 5, learning_rate: 0.001, warmup_steps: 3 }, { phases: 1, inner_steps: 7, learning_rate: 0.002 }] }");
        PhasePlan plan = PhasePlan.Of(config);

        Assert.Equal((3, 5), (config.Recipe.Phases, config.Recipe.InnerSteps));
        Assert.Equal((3, 17), (plan.Phases, plan.Steps));
        Assert.Equal([(5, 0, 0L), (5, 5, 5L), (7, 0, 10L)], Phases(plan));
        Assert.Equal([(0.001, 3), (0.001, 3), (0.002, 0)], Enumerable.Range(0, 3).Select(t => (plan[new Phase(t)].Stage.LearningRate, plan[new Phase(t)].Stage.WarmupSteps)));
        Assert.Throws<ArgumentOutOfRangeException>(() => plan[new Phase(3)]);
        Assert.Equal(17, StepCounts.Of(config, 4).Path);
    }

    [Fact]
    public void AResolvedConfigurationWithStages_LoadsToItself()
    {
        LoadedConfig loaded = RunConfigLoader.Parse(
            Head + "recipe: { stages: [{ phases: 2, inner_steps: 5, learning_rate: 0.001 }], paths_per_phase: 3, early_stopping: true }\ndiscriminative: { after_phases: [1] }", "test");

        LoadedConfig again = RunConfigLoader.Parse(ResolvedYaml.Write(loaded), "resolved");

        Assert.Equal(RunConfigJson.Serialize(loaded.Config), RunConfigJson.Serialize(again.Config));
        Assert.Equal(RunConfigJson.Serialize(loaded.Config), RunConfigJson.Serialize(RunConfigJson.Deserialize(RunConfigJson.Serialize(loaded.Config))));
    }

    [Theory]
    [InlineData(30, "10 20")]
    [InlineData(120, "40 80")]
    [InlineData(10, "3 7")]
    [InlineData(1, "1")]
    [InlineData(3_000_000_000, "1000000000 2000000000")]
    public void AModelOfOtherSteps_HasTheStagesInTheirProportion(long steps, string parts)
    {
        PhasePlan plan = PhasePlan.Of(Config("recipe: { stages: [{ phases: 2, inner_steps: 5, learning_rate: 0.1 }, { phases: 1, inner_steps: 20, learning_rate: 0.2 }] }"));

        Assert.Equal(parts, string.Join(' ', plan.Over(steps).Select(part => part.Steps)));
        Assert.Equal(0.2, plan.Over(steps)[^1].Stage.LearningRate);
        Assert.Equal(0.1, plan.First.LearningRate);
    }

    [Theory]
    [InlineData("recipe: { stages: [{ phases: 2, inner_steps: 5 }] }", "recipe.stages[0].learning_rate", "missing; expected every stage with its own.")]
    [InlineData("recipe: { stages: [{ phases: 2, inner_steps: 5, learning_rate: 0.1, warmup_steps: 11 }] }", "recipe.stages[0].warmup_steps", "a warm-up of 11 steps is longer than the 10 steps of the stage; expected at most those.")]
    [InlineData("recipe: { phases: 3, stages: [{ phases: 2, inner_steps: 5, learning_rate: 0.1 }] }", "recipe.phases", "the stages have 2 phases and recipe.phases says 3; expected the same, or no recipe.phases.")]
    [InlineData("recipe: { stages: 4 }", "recipe.stages", "found '4', expected a list of at most 10000 stages such as '- { phases: 4, inner_steps: 50, learning_rate: 0.001 }'.")]
    [InlineData("recipe: { phases: 3 }\ndiscriminative: { after_phases: [2, 1] }", "discriminative.after_phases", "found '1', expected a list such as [1, 4], ascending, each a whole number from 1 to 2.")]
    [InlineData("recipe: { phases: 3 }\ndiscriminative: { after_phases: [3] }", "discriminative.after_phases", "found '3', expected a list such as [1, 4], ascending, each a whole number from 1 to 2.")]
    [InlineData("recipe: { phases: 3 }\ndiscriminative: { after_phases: [1], candidates: 1 }", "discriminative.candidates", "with a single candidate a document keeps the path that it has and the router learns nothing; expected 0 (all paths) or at least 2.")]
    [InlineData("routing: { method: random }\ndiscriminative: { after_phases: [1] }", "discriminative.after_phases", "a router that learns from the paths needs features, and routing.method has none; expected any method but random.")]
    [InlineData("recipe: { training: synchronous, paths_per_phase: 2 }", "recipe.paths_per_phase", "in synchronous training all paths take part in every step; expected 0, or no recipe.paths_per_phase.")]
    [InlineData("recipe: { early_stopping: true }\nevaluation: { every_phases: 0 }", "recipe.early_stopping", "early stopping looks at the validation documents after a phase; expected evaluation.every_phases of at least 1.")]
    public void ImpossibleRecipes_AreRefused(string yaml, string key, string problem)
    {
        ConfigurationException refusal = Assert.Throws<ConfigurationException>(() => Config(yaml));

        Assert.Contains((key, problem), refusal.Errors.Select(error => (error.Key, error.Problem)));
    }

    [Fact]
    public void Momentum_RisesOverItsWarmUp()
    {
        OuterOptimizerOptions outer = Config("outer: { momentum: 0.8, momentum_warmup_phases: 4 }").Outer;

        Assert.Equal([0, 0.2, 0.4, 0.6, 0.8, 0.8], Enumerable.Range(0, 6).Select(t => Math.Round(outer.MomentumOf(new Phase(t)), 12)));
        Assert.Equal(0.9, new OuterOptimizerOptions().MomentumOf(new Phase(0)));
    }

    private static RunConfig Config(string yaml) => RunConfigLoader.Parse(Head + yaml, "test").Config;

    private static IEnumerable<(int, int, long)> Phases(PhasePlan plan) => Enumerable.Range(0, plan.Phases)
        .Select(t => plan[new Phase(t)]).Select(phase => (phase.Steps, phase.ScheduleStep, phase.StepsBefore));
}
