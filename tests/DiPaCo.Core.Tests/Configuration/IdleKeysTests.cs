using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

/// <summary>A key that does nothing is no setting: whoever states it with a value of its own is told.</summary>
public sealed class IdleKeysTests
{
    private const string Synchronous = "recipe: { training: synchronous }\n";

    [Theory]
    [InlineData(Synchronous, "outer", "learning_rate: 0.5", "recipe.training: phases, or no outer.learning_rate.")]
    [InlineData(Synchronous, "outer", "momentum: 0.5", "recipe.training: phases, or no outer.momentum.")]
    [InlineData(Synchronous, "outer", "momentum_warmup_phases: 2", "recipe.training: phases, or no outer.momentum_warmup_phases.")]
    [InlineData(Synchronous, "outer", "rescaling: relative", "recipe.training: phases, or no outer.rescaling.")]
    [InlineData(Synchronous, "outer", "codec: bf16", "recipe.training: phases, or no outer.codec.")]
    [InlineData(Synchronous, "outer", "download: bf16", "recipe.training: phases, or no outer.download.")]
    [InlineData(Synchronous, "outer", "fold_paths: 3", "recipe.training: phases, or no outer.fold_paths.")]
    [InlineData(Synchronous, "outer", "private_modules: false", "recipe.training: phases, or no outer.private_modules.")]
    [InlineData("", "outer", "top_k_fraction: 0.1", "outer.codec: top_k, or no outer.top_k_fraction.")]
    [InlineData("", "outer", "error_feedback: 0", "another outer.codec, or no outer.error_feedback.")]
    [InlineData("", "recipe", "early_stopping_margin: 0", "recipe.early_stopping: true, or no recipe.early_stopping_margin.")]
    [InlineData("", "evaluation", "max_stopping_documents_per_path: 9", "recipe.early_stopping: true, or no evaluation.max_stopping_documents_per_path.")]
    [InlineData("", "discriminative", "max_documents: 9", "discriminative.after_phases, or no discriminative.max_documents.")]
    [InlineData("", "discriminative", "candidates: 2", "discriminative.after_phases, or no discriminative.candidates.")]
    [InlineData("", "discriminative", "weight_penalty: 0.1", "discriminative.after_phases, or no discriminative.weight_penalty.")]
    [InlineData("", "discriminative", "folds: 3", "discriminative.after_phases, or no discriminative.folds.")]
    [InlineData("", "discriminative", "prior: none", "discriminative.after_phases, or no discriminative.prior.")]
    [InlineData("", "discriminative", "weighting: tokens", "discriminative.after_phases, or no discriminative.weighting.")]
    [InlineData("", "discriminative", "calibration: labels", "discriminative.after_phases, or no discriminative.calibration.")]
    [InlineData("", "evaluation", "reroute_router: token", "evaluation.reroute_windows, or no evaluation.reroute_router.")]
    [InlineData("", "evaluation", "token_router_steps: 9", "evaluation.reroute_windows, or no evaluation.token_router_steps.")]
    [InlineData("", "evaluation", "token_router_horizon: 9", "evaluation.reroute_windows, or no evaluation.token_router_horizon.")]
    [InlineData("", "evaluation", "max_token_router_documents: 9", "evaluation.reroute_windows, or no evaluation.max_token_router_documents.")]
    public void AKeyWithoutEffect_IsRefused_UnlessItsValueHoldsAnyway(string rest, string section, string stated, string expected)
    {
        string error = Assert.Single(Yaml.Errors($"{rest}{section}: {{ {stated} }}\n"));

        Assert.Contains($"{section}.{stated[..stated.IndexOf(':', StringComparison.Ordinal)]}: ", error, StringComparison.Ordinal);
        Assert.EndsWith(expected, error, StringComparison.Ordinal);

        // A file that states every key with the value that it has anyway is a good one, and so is what a run has stored.
        LoadedConfig plain = RunConfigLoader.Parse($"size: tiny\ndata: {{ paths: demo }}\n{rest}", "run.yaml");
        Assert.Equal(RunConfigJson.Serialize(plain.Config), RunConfigJson.Serialize(RunConfigLoader.Parse(ResolvedYaml.Write(plain), "run.yaml").Config));
    }

    [Theory]
    [InlineData("routing: { method: random, restarts: 2 }", "routing.restarts")]
    [InlineData("routing: { method: random, iterations: 2 }", "routing.iterations")]
    [InlineData("routing: { method: random, batch_rows: 64 }", "routing.batch_rows")]
    [InlineData("data: { paths: demo, router_share: 0.1 }\ndiscriminative: { after_phases: [1], weight_penalty: 0.1, folds: 3 }", "discriminative.folds")]
    [InlineData("evaluation: { reroute_windows: [16], reroute_router: prefix, token_router_steps: 9 }", "evaluation.token_router_steps")]
    [InlineData("data: { paths: demo, validation_share: 0 }\nrecipe: { early_stopping: true }", "recipe.early_stopping")]
    public void SoIsOneThatAnotherKeyOfItsSectionMakesIdle(string yaml, string key)
    {
        string error = Assert.Single(Yaml.ErrorsOf($"size: tiny\n{(yaml.StartsWith("data", StringComparison.Ordinal) ? "" : "data: { paths: demo }\n")}{yaml}\n"));

        Assert.Contains($": {key}: ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("outer: { codec: top_k, top_k_fraction: 0.1, error_feedback: 0 }")]
    [InlineData("recipe: { early_stopping: true, early_stopping_margin: 0 }\nevaluation: { max_stopping_documents_per_path: 9 }")]
    [InlineData("recipe: { training: synchronous }\nouter: { weights: uniform }")]
    public void AKeyWithEffect_IsNot(string yaml) => Yaml.Load(yaml);

    [Fact]
    public void OfAnExperiment_OnlyWhatARowStatesItself_MustHaveAnEffectInIt()
    {
        const string table = """
            base: { size: tiny, data: { paths: demo }, outer: { momentum: 0.8, codec: top_k, top_k_fraction: 0.1 } }
            rows:
              - name: synchronous
                with: { recipe: { training: synchronous } }
              - name: exact
                with: { outer: { codec: fp32 } }
            """;

        Experiment experiment = ExperimentLoader.Parse(table, "experiment.yaml", []);
        ConfigurationException refusal = Assert.Throws<ConfigurationException>(() => ExperimentLoader.Parse(
            table.Replace("codec: fp32", "codec: fp32, top_k_fraction: 0.2", StringComparison.Ordinal), "experiment.yaml", []));

        ConfigurationException stopping = Assert.Throws<ConfigurationException>(() => ExperimentLoader.Parse(
            "base: { size: tiny, data: { paths: demo }, recipe: { early_stopping: true } }\nrows: [{ name: a, with: { data: { validation_share: 0 } } }]", "experiment.yaml", []));
        Assert.Equal("data.validation_share", Assert.Single(stopping.Errors).Key);

        // What such a row has stored is read again.
        Assert.All(experiment.Rows, row => Assert.Equal(0.1, RunConfigJson.Deserialize(RunConfigJson.Serialize(row.Runs[0].Config)).Outer.TopKFraction));
        ConfigurationError error = Assert.Single(refusal.Errors);
        Assert.Equal(("outer.top_k_fraction", 6), (error.Key, error.Line));
        Assert.Contains("(row 'exact')", error.Problem, StringComparison.Ordinal);
    }
}
