using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

public sealed class ConfigOverridesTests
{
    [Fact]
    public void AnOverridingSize_FillsInWhatTheFileDoesNotState()
    {
        RunConfig config = RunConfigLoader.Parse(
            "size: paper\ndata: { paths: demo }\nrecipe: { phases: 3 }\n", "run.yaml", new ConfigOverrides { Size = ModelSize.Tiny }).Config;

        Assert.Equal((ModelSize.Tiny, 3, 25), (config.Size, config.Recipe.Phases, config.Recipe.InnerSteps));
    }

    [Fact]
    public void OverridingPaths_AreRelativeToTheFile_AndLeaveTheRestOfItsSection()
    {
        using TemporaryFolder folder = new();
        string file = folder.Write("run.yaml", "data: { paths: demo, test_share: 0.125 }\n");

        DataOptions data = RunConfigLoader.Load(file, new ConfigOverrides { DataPaths = [Path.Combine(folder.Path, "texts")] }).Config.Data;

        Assert.Equal(["texts"], data.Paths);
        Assert.Equal(0.125, data.TestShare);
    }

    [Fact]
    public void OverridesComplete_WhatAFileLacks() => Assert.Equal(
        ["demo"],
        RunConfigLoader.Parse("", "run.yaml", new ConfigOverrides { Size = ModelSize.Tiny, DataPaths = ["demo"] }).Config.Data.Paths);
}
