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
}
