using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

/// <summary>What no size changes is what the option records document as their defaults.</summary>
public sealed class DefaultsTests
{
    private readonly RunConfig _config = Yaml.Load("");

    [Fact]
    public void OfTheOuterOptimizer() => Assert.Equal(new OuterOptimizerOptions(), _config.Outer);

    [Fact]
    public void OfTheRouting() => Assert.Equal(new RoutingOptions(), _config.Routing);

    [Fact]
    public void OfTheEvaluation() => Assert.Equal(
        new EvaluationOptions
        {
            MaxDocuments = _config.Evaluation.MaxDocuments,
            MaxValidationDocuments = _config.Evaluation.MaxValidationDocuments,
            MaxTokenRouterDocuments = _config.Evaluation.MaxTokenRouterDocuments,
        },
        _config.Evaluation);

    [Fact]
    public void OfTheTokenizer() => Assert.Equal(new TokenizerOptions { Vocabulary = _config.Tokenizer.Vocabulary }, _config.Tokenizer);

    [Fact]
    public void OfTheInnerOptimizer() => Assert.Equal(
        new InnerOptimizerOptions
        {
            LearningRate = _config.Inner.LearningRate,
            WarmupSteps = _config.Inner.WarmupSteps,
            BaseLearningRate = _config.Inner.BaseLearningRate,
            BaseWarmupSteps = _config.Inner.BaseWarmupSteps,
        },
        _config.Inner);

    [Fact]
    public void OfTheRecipe() => Assert.Equal(
        _config.Recipe with { LossOnPrefix = Minimal.LossOnPrefix, KeepPhases = Minimal.KeepPhases }, _config.Recipe);

    [Fact]
    public void OfTheData() => Assert.Equal(
        new DataOptions
        {
            Paths = _config.Data.Paths,
            ValidationShare = _config.Data.ValidationShare,
            TestShare = _config.Data.TestShare,
        },
        _config.Data);

    /// <summary>Runs that were begun before there was the key are the same runs.</summary>
    [Fact]
    public void AnUnlimitedTokenRouter_IsNotInTheStoredConfiguration()
    {
        Assert.DoesNotContain("max_token_router_documents", RunConfigJson.Serialize(_config), StringComparison.Ordinal);

        RunConfig limited = RunConfigLoader.Parse("size: paper\ndata: { paths: demo }\n", "run.yaml").Config;
        Assert.Equal(500, RunConfigJson.Deserialize(RunConfigJson.Serialize(limited)).Evaluation.MaxTokenRouterDocuments);
        Assert.Equal(0, RunConfigJson.Deserialize(RunConfigJson.Serialize(limited with { Evaluation = limited.Evaluation with { MaxTokenRouterDocuments = 0 } })).Evaluation.MaxTokenRouterDocuments);
    }

    private static RecipeOptions Minimal => new() { BaseSteps = 1, Phases = 1, InnerSteps = 1, BatchSequences = 1, MicroBatchSequences = 1 };
}
