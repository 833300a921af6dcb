using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

public sealed class RunConfigLoaderTests
{
    [Fact]
    public void AFile_IsRead_AndNamesTheRunThatStatesNoName()
    {
        using TemporaryFolder folder = new();
        string file = folder.Write("my-run.yaml", "\uFEFFdata: { paths: [a.txt, b] }\nseed: 1e3\n");

        LoadedConfig loaded = RunConfigLoader.Load(file);

        Assert.Equal("my-run", loaded.Config.Name);
        Assert.Equal(1_000, loaded.Config.Seed);
        Assert.Equal(["a.txt", "b"], loaded.Config.Data.Paths);
        Assert.Equal(file, loaded.SourceFile);
    }

    [Fact]
    public void WhatTheFileStates_IsToldFromWhatIsFilledIn()
    {
        LoadedConfig loaded = RunConfigLoader.Parse("size: tiny\ndata: { paths: demo }\ntopology: { levels: [{ experts: 3 }] }\n", "run.yaml");

        Assert.Equal(
            ["size", "data.paths", "topology.levels"],
            loaded.Values.Where(value => value.Origin == ConfigOrigin.Stated).Select(value => value.Key));
    }

    [Fact]
    public void AMissingFile_SaysHowToGetOne()
    {
        string file = Path.Combine(Path.GetTempPath(), "no-such-folder", "no.yaml");

        Assert.Equal(
            $"{file}: there is no such file. 'dipaco init' writes one to start from.",
            Assert.Throws<ConfigurationException>(() => RunConfigLoader.Load(file)).Message);
    }

    [Fact]
    public void AFolder_ABinaryAndAHugeFile_AreRefused()
    {
        using TemporaryFolder folder = new();
        string binary = folder.Write("binary.yaml", [0xC3, 0x28, 0xFF]);
        string huge = folder.Write("huge.yaml", new byte[RunConfigLoader.MaxBytes + 1]);

        Assert.Equal($"{folder.Path}: this is a folder; expected a YAML file.", Message(folder.Path));
        Assert.Equal($"{binary}: this is not UTF-8 text; expected a YAML file.", Message(binary));
        Assert.Equal($"{huge}: the file has more than 4,194,304 bytes; no configuration has.", Message(huge));

        static string Message(string path) => Assert.Throws<ConfigurationException>(() => RunConfigLoader.Load(path)).Message;
    }

    [Theory]
    [InlineData("1e-3", 1e-3)]
    [InlineData("0.001", 0.001)]
    [InlineData("1", 1)]
    [InlineData("1_0.2_5", 0)]
    public void RealNumbers_AreReadAsWritten(string text, double value)
    {
        if (value > 0)
        {
            Assert.Equal(value, Yaml.Load($"inner: {{ learning_rate: {text} }}").Inner.LearningRate);
        }
        else
        {
            Assert.Single(Yaml.Errors($"inner: {{ learning_rate: {text} }}"));
        }
    }

    [Theory]
    [InlineData("10_000", 10_000)]
    [InlineData("1e4", 10_000)]
    [InlineData("1.5e3", 1_500)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void WholeNumbers_MayHaveUnderscoresAndExponents(string text, long value) => Assert.Equal(value, Yaml.Load($"seed: {text}").Seed);

    [Theory]
    [InlineData("1e-1")]
    [InlineData("8k")]
    [InlineData("1__0")]
    [InlineData("_1")]
    [InlineData("1_")]
    [InlineData("9223372036854775808")]
    [InlineData("1e9999")]
    public void OtherNumbers_AreRefused(string text) => Assert.Contains($"found '{text}'", Assert.Single(Yaml.Errors($"seed: {text}")), StringComparison.Ordinal);
}
