using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

/// <summary>What is not stated fits what is.</summary>
public sealed class FillingTests
{
    [Theory]
    [InlineData("[{}, {}]", new[] { 2, 2 }, new[] { 2, 2 })]
    [InlineData("[{}, {}, {}]", new[] { 2, 1, 1 }, new[] { 2, 2, 2 })]
    [InlineData("[{ experts: 1 }]", new[] { 4 }, new[] { 1 })]
    [InlineData("[{ blocks: 1 }, { experts: 5 }]", new[] { 1, 3 }, new[] { 2, 5 })]
    [InlineData("[{ blocks: 7 }, { shared: true }]", new[] { 7, 1 }, new[] { 2, 1 })]
    [InlineData("[{}, {}, {}, {}, {}, {}]", new[] { 1, 1, 1, 1, 1, 1 }, new[] { 2, 2, 2, 2, 2, 2 })]
    public void LevelsWithoutBlocks_DivideTheRestOfTheSizesBlocks(string levels, int[] blocks, int[] experts)
    {
        RunConfig config = Yaml.Load($"topology: {{ levels: {levels} }}");

        Assert.Equal(blocks, config.Topology.Levels.Select(level => level.Blocks));
        Assert.Equal(experts, config.Topology.Levels.Select(level => level.Experts));
    }

    [Theory]
    [InlineData("width: 256", 256, 8, 32, 704)]
    [InlineData("width: 256, head_width: 64", 256, 4, 64, 704)]
    [InlineData("width: 256, heads: 2", 256, 2, 128, 704)]
    [InlineData("heads: 2", 128, 2, 64, 352)]
    [InlineData("width: 32", 32, 1, 32, 96)]
    [InlineData("activation: gelu", 128, 4, 32, 512)]
    public void AStatedWidth_BringsHeadsAndFeedForwardWithIt(string stated, int width, int heads, int headWidth, int feedForward)
    {
        TransformerOptions transformer = Yaml.Load($"transformer: {{ {stated} }}").Transformer;

        Assert.Equal((width, heads, headWidth, feedForward), (transformer.Width, transformer.Heads, transformer.HeadWidth, transformer.FeedForward));
        Assert.Equal(transformer.Heads, transformer.KeyValueHeads);
    }

    [Fact]
    public void AShortStage_HasAShortWarmup()
    {
        RunConfig config = Yaml.Load("recipe: { base_steps: 1, phases: 2, inner_steps: 25, batch_sequences: 3 }");

        Assert.Equal((0, 5, 3), (config.Inner.BaseWarmupSteps, config.Inner.WarmupSteps, config.Recipe.MicroBatchSequences));
    }

    [Fact]
    public void ATokenizerFile_NeedsNoVocabulary()
    {
        LoadedConfig loaded = RunConfigLoader.Parse("data: { paths: demo }\ntokenizer: { file: t.json }\n", "run.yaml");

        Assert.Equal("t.json", loaded.Config.Tokenizer.File);
        Assert.DoesNotContain(loaded.Values, value => value.Key == "tokenizer.vocabulary");
        Assert.Equal(
            RunConfigJson.Serialize(loaded.Config),
            RunConfigJson.Serialize(RunConfigLoader.Parse(ResolvedYaml.Write(loaded), "run.yaml").Config));
    }

    /// <summary>A number or a word: the word is no number, and comes back from YAML and JSON as what it was.</summary>
    [Theory]
    [InlineData("none", null, "window", null, "training", null)]
    [InlineData("0.25", 0.25, "0", 0, "2_048", 2048)]
    [InlineData("0", 0.0, "64", 64, "64", 64)]
    public void PenaltyHorizonAndLength_AreNumbersOrWords(string penalty, double? l2, string horizon, int? tokens, string length, int? positions)
    {
        LoadedConfig loaded = RunConfigLoader.Parse(
            $"data: {{ paths: demo, router_share: 0.1 }}\ndiscriminative: {{ after_phases: [1], weight_penalty: {penalty} }}\nevaluation: {{ reroute_windows: [64], token_router_horizon: {horizon}, sequence_length: {length} }}\n", "run.yaml");

        foreach (RunConfig config in new[]
        {
            loaded.Config,
            RunConfigLoader.Parse(ResolvedYaml.Write(loaded), "run.yaml").Config,
            RunConfigJson.Deserialize(RunConfigJson.Serialize(loaded.Config)),
        })
        {
            Assert.Equal(l2, config.Discriminative.WeightPenalty);
            Assert.Equal(tokens, config.Evaluation.TokenRouterHorizon);
            Assert.Equal(positions, config.Evaluation.SequenceLength);
        }
    }

    [Fact]
    public void AnotherWord_IsRefused_WithWhatWasExpected()
    {
        Assert.Contains("found 'windows', expected window, or", Assert.Single(Yaml.Errors("evaluation: { token_router_horizon: windows }")), StringComparison.Ordinal);
        Assert.Contains("found '1.5', expected window, or", Assert.Single(Yaml.Errors("evaluation: { token_router_horizon: 1.5 }")), StringComparison.Ordinal);
        Assert.Contains("found 'auto', expected none, or", Assert.Single(Yaml.Errors("discriminative: { weight_penalty: auto }")), StringComparison.Ordinal);
    }

    [Fact]
    public void TokenRouters_AreOneForAllWindows_OrOneForEach()
    {
        EvaluationOptions options = new() { RerouteWindows = [64, 16], TokenRouterHorizon = 8 };

        Assert.Equal([8], options.TokenRouters().Select(router => router.Horizon));
        Assert.Equal([64, 16], options.TokenRouters().Single().Windows);
        Assert.Equal([(64, 64), (16, 16)], (options with { TokenRouterHorizon = null }).TokenRouters().Select(router => (router.Horizon, router.Windows.Single())));
        Assert.Empty((options with { RerouteRouter = ReroutingRouter.Prefix }).TokenRouters());
    }

    /// <summary>Whatever a path is called, the run's own files name it as the user did.</summary>
    [Theory]
    [InlineData("данные/😀 text.jsonl")]
    [InlineData("C:\\texts\\*.txt")]
    [InlineData("- a: #b")]
    [InlineData("yes")]
    [InlineData("1e3")]
    [InlineData("~")]
    [InlineData("it's \"quoted\" {[,]} & *all* %of !it | > @")]
    public void APathOfAnyName_ComesBackFromYamlAndJson(string path)
    {
        string yaml = $"data: {{ paths: [{System.Text.Json.JsonSerializer.Serialize(path)}] }}";
        LoadedConfig loaded = RunConfigLoader.Parse(yaml, "run.yaml");

        RunConfig fromYaml = RunConfigLoader.Parse(ResolvedYaml.Write(loaded), "run.yaml").Config;
        RunConfig fromJson = RunConfigJson.Deserialize(RunConfigJson.Serialize(loaded.Config));

        Assert.Equal([path], loaded.Config.Data.Paths);
        Assert.Equal([path], fromYaml.Data.Paths);
        Assert.Equal([path], fromJson.Data.Paths);
    }

    [Fact]
    public void WithoutASize_ARunIsSmall() =>
        Assert.Equal(ModelSize.Small, RunConfigLoader.Parse("data: { paths: demo }", "run.yaml").Config.Size);
}
