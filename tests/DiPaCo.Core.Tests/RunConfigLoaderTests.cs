using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests;

public sealed class RunConfigLoaderTests
{
    [Theory]
    [InlineData(ModelSize.Tiny)]
    [InlineData(ModelSize.Small)]
    [InlineData(ModelSize.Medium)]
    [InlineData(ModelSize.Large)]
    [InlineData(ModelSize.Paper)]
    public void TheResolvedYaml_LoadsToTheSameConfiguration(ModelSize size)
    {
        LoadedConfig loaded = RunConfigLoader.Parse(ConfigTemplate.Write(size, ["demo"], "x"), "x.yaml");
        string json = RunConfigJson.Serialize(loaded.Config);

        Assert.Equal(json, RunConfigJson.Serialize(RunConfigJson.Deserialize(json)));
        Assert.Equal(json, RunConfigJson.Serialize(RunConfigLoader.Parse(ResolvedYaml.Write(loaded), "x.yaml").Config));
    }
}
