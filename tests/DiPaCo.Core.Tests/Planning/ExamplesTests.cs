using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using Xunit;

namespace DiPaCo.Core.Tests.Planning;

/// <summary>The special cases of the method are configurations; the examples are these.</summary>
public sealed class ExamplesTests
{
    public static TheoryData<string> Files => [.. Repository.Examples.Select(file => Path.GetFileName(file))];

    [Theory]
    [MemberData(nameof(Files))]
    public void AnExample_LoadsPlansAndIsNamedAsItsFile(string file)
    {
        LoadedConfig loaded = RunConfigLoader.Load(Repository.Example(file));
        RunPlan plan = RunPlan.Of(loaded.Config, new PlanAssumptions { FlopsPerSecond = 1e12 });

        Assert.Equal(Path.GetFileNameWithoutExtension(file), plan.Name);
        Assert.StartsWith("# ", File.ReadAllText(Repository.Example(file)), StringComparison.Ordinal);
        Assert.True(plan.TotalSeconds > 0);
    }

    [Fact]
    public void ADenseModel_IsOnePath()
    {
        RunPlan plan = PlanOf.Example("dense.yaml");

        Assert.Single(plan.Paths);
        Assert.All(plan.Modules, module => Assert.Equal(1, module.Paths));
        Assert.Equal(plan.PathParameters, plan.TotalParameters);
    }

    [Fact]
    public void DiLoCo_IsOneModelUnderManyPaths()
    {
        RunPlan plan = PlanOf.Example("diloco.yaml");

        Assert.Equal(4, plan.Paths.Length);
        Assert.All(plan.Modules, module => Assert.Equal(4, module.Paths));
        Assert.Equal(plan.PathParameters, plan.TotalParameters);
    }

    [Fact]
    public void AFlatMixture_SharesNothing()
    {
        RunPlan plan = PlanOf.Example("flat-mixture.yaml");

        Assert.Equal(4, plan.Paths.Length);
        Assert.All(plan.Modules, module => Assert.Equal(1, module.Paths));
        Assert.Equal(4 * plan.PathParameters, plan.TotalParameters);
    }

    [Theory]
    [InlineData("dipaco-2x2.yaml", 4, 2)]
    [InlineData("dipaco-4x4.yaml", 16, 4)]
    public void APureGrid_HasAsManyModelsAsExpertsOfALevel(string file, int paths, int experts)
    {
        RunPlan plan = PlanOf.Example(file);

        Assert.Equal(paths, plan.Paths.Length);
        Assert.Equal(2 * experts, plan.Modules.Length);
        Assert.All(plan.Modules, module => Assert.Equal(paths / experts, module.Paths));
        Assert.Equal(experts * plan.PathParameters, plan.TotalParameters);
    }

    [Fact]
    public void PrivateBlocks_AreModulesOfOnePath()
    {
        RunPlan plan = PlanOf.Example("dipaco-4x4-private.yaml");

        Assert.Equal(8, plan.Modules.Count(module => module.Paths == 4));
        Assert.Equal(16 * 6, plan.Modules.Count(module => module.Paths == 1));
        Assert.Equal("block 4", plan.Modules.Single(module => module.Id.Name == "level2.expert3").Parts);
    }

    [Theory]
    [InlineData("routing-small.yaml", 128)]
    [InlineData("routing-4x4.yaml", 256)]
    public void TheDenseRowsOfAnExperiment_AreTwiceAPath_AndTheWholeModel_AtItsSteps(string file, int sequence)
    {
        Experiment experiment = ExperimentLoader.Load(Path.Combine(Repository.Root, "examples", "experiments", file), []);
        Dictionary<string, RunPlan> plans = experiment.Rows.ToDictionary(row => row.Name, row => RunPlan.Of(row.Runs[0].Config, new PlanAssumptions()));
        RunPlan grid = plans["kmeans"];
        long steps = grid.Steps.Base + grid.Steps.Path;

        Assert.InRange((double)plans["dense-2x"].TotalParameters / grid.PathParameters, 1.9, 2.1);
        Assert.InRange((double)plans["dense-whole"].TotalParameters / grid.TotalParameters, 0.9, 1.1);
        Assert.All(["dense-2x", "dense-whole"], name => Assert.Single(plans[name].Paths));
        Assert.All(
            ["dense-2x", "dense-whole", "tau-150-base-300", "tau-25-base-300", "grid-8x8", "flat-64", "private-blocks"],
            name => Assert.Equal(steps, plans[name].Steps.Base + plans[name].Steps.Path));
        Assert.All(["grid-8x8", "flat-64"], name => Assert.Equal(64, plans[name].Paths.Length));
        Assert.Contains(plans["private-blocks"].Modules, module => module is { Parts: "block 0", Paths: 1 });
        RunConfig kmeans = experiment.Rows.Single(row => row.Name == "kmeans").Runs[0].Config;
        Assert.Contains(sequence, kmeans.Evaluation.RerouteWindows);
        Assert.Contains(128, kmeans.Evaluation.RerouteWindows);
        Assert.Equal(sequence, kmeans.Transformer.SequenceLength);

        // One corpus, one tokenizer, one choice of test documents: what differs is the model.
        Assert.All(experiment.Rows.Select(row => row.Runs[0].Config), config =>
        {
            Assert.Equal((kmeans.Tokenizer, kmeans.Evaluation.MaxDocuments, kmeans.Routing.PrefixTokens), (config.Tokenizer, config.Evaluation.MaxDocuments, config.Routing.PrefixTokens));
            Assert.Equal((kmeans.Data.TestShare, kmeans.Data.ValidationShare, kmeans.Data.RouterShare), (config.Data.TestShare, config.Data.ValidationShare, config.Data.RouterShare));
        });
    }

    [Fact]
    public void EveryExperiment_Loads() => Assert.All(
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "examples", "experiments"), "*.yaml"), file => Assert.NotEmpty(ExperimentLoader.Load(file, []).Rows));
}
