using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

public sealed class ConfigurationErrorTests
{
    [Theory]
    [InlineData("sise: small", "run.yaml:3:1: sise: unknown key (found 'small'). Did you mean 'size'?")]
    [InlineData("transformer:\n  widht: 64", "run.yaml:4:3: transformer.widht: unknown key (found '64'). Did you mean 'width'?")]
    [InlineData("transformer: { head-width: 64 }", "run.yaml:3:16: transformer.head-width: unknown key (found '64'). Did you mean 'head_width'?")]
    [InlineData("inner: { inner_steps: 5 }", "run.yaml:3:10: inner.inner_steps: unknown key (found '5'). It belongs in the section 'recipe': 'recipe.inner_steps'.")]
    [InlineData("transformer: { blocks: 5 }", "run.yaml:3:16: transformer.blocks: unknown key (found '5'). It belongs to an item of 'topology.levels', such as '- { blocks: … }'.")]
    [InlineData("data2: 5", "run.yaml:3:1: data2: unknown key (found '5'). Did you mean 'data'?")]
    [InlineData(
        "outer: { temperature: 5 }",
        "run.yaml:3:10: outer.temperature: unknown key (found '5'). The keys in 'outer' are: learning_rate, momentum, momentum_warmup_phases, weights, rescaling, codec, top_k_fraction, error_feedback, download, fold_paths, private_modules.")]
    [InlineData("topology: { levels: [{ expert: 2 }] }", "run.yaml:3:24: topology.levels[0].expert: unknown key (found '2'). Did you mean 'experts'?")]
    public void AnUnknownKey_NamesThePlaceAndTheNearestValidKey(string text, string error) => Assert.Equal([error], Yaml.Errors(text));

    [Theory]
    [InlineData("seed: many", "run.yaml:3:7: seed: found 'many', expected a whole number from 0 to 9,223,372,036,854,775,807.")]
    [InlineData("threads: \"2\"", "run.yaml:3:10: threads: found the quoted text '2', expected a whole number from 0 to 4,096.")]
    [InlineData("threads: 2.5", "run.yaml:3:10: threads: found '2.5', expected a whole number from 0 to 4,096.")]
    [InlineData("threads: 010", "run.yaml:3:10: threads: found '010', expected a whole number from 0 to 4,096.")]
    [InlineData("threads: 0x10", "run.yaml:3:10: threads: found '0x10', expected a whole number from 0 to 4,096.")]
    [InlineData("threads:", "run.yaml:3:9: threads: found nothing, expected a whole number from 0 to 4,096.")]
    [InlineData("threads: [2]", "run.yaml:3:10: threads: found a list of 1, expected a whole number from 0 to 4,096.")]
    [InlineData("device: gpu", "run.yaml:3:9: device: found 'gpu', expected auto, cpu, cuda, or cuda:n.")]
    [InlineData("device: cuda:x", "run.yaml:3:9: device: found 'cuda:x', expected auto, cpu, cuda, or cuda:n.")]
    [InlineData("inner: { learning_rate: .inf }", "run.yaml:3:25: inner.learning_rate: found '.inf', expected a number above 0 to 10.")]
    [InlineData("inner: { learning_rate: 0 }", "run.yaml:3:25: inner.learning_rate: found '0', expected a number above 0 to 10.")]
    [InlineData("outer: { momentum: 1 }", "run.yaml:3:20: outer.momentum: found '1', expected a number from 0 to below 1.")]
    [InlineData("outer: { download: top_k }", "run.yaml:3:20: outer.download: found 'top_k', expected one of: fp32, bf16, int8, int4.")]
    [InlineData("outer: 0.7", "run.yaml:3:8: outer: found '0.7', expected a section of keys, indented below it.")]
    [InlineData("transformer: { tied_embedding: yes }", "run.yaml:3:32: transformer.tied_embedding: found 'yes', expected true or false.")]
    [InlineData("transformer: { width: 100 }", "run.yaml:3:23: transformer.width: found '100', expected a multiple of 32 from 32 to 65,536.")]
    [InlineData("transformer: { head_width: 12 }", "run.yaml:3:28: transformer.head_width: found '12', expected a multiple of 8 from 8 to 1,024.")]
    [InlineData("transformer: { activation: swglu }", "run.yaml:3:28: transformer.activation: found 'swglu', expected one of: swiglu, gelu. Did you mean 'swiglu'?")]
    [InlineData("routing: { method: k_means }", "run.yaml:3:20: routing.method: found 'k_means', expected one of: kmeans, product_kmeans, residual_kmeans, balanced_kmeans, random. Did you mean 'kmeans'?")]
    [InlineData("routing: { scaling: standardised }", "run.yaml:3:21: routing.scaling: found 'standardised', expected one of: standardized, none. Did you mean 'standardized'?")]
    [InlineData("routing: { method: random, scaling: none }", "run.yaml:3:28: routing.scaling: routing.method random looks at no features; expected no routing.scaling, or another method.")]
    [InlineData("name: ../elsewhere", "run.yaml:3:7: name: found '../elsewhere', expected 1 to 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit.")]
    public void AWrongValue_NamesWhatWasFoundAndWhatIsExpected(string text, string error) => Assert.Equal([error], Yaml.Errors(text));

    [Theory]
    [InlineData("transformer: { heads: 4, key_value_heads: 3 }", "run.yaml:3:43: transformer.key_value_heads: 3 key and value heads do not divide 4 heads; expected one of: 1, 2, 4.")]
    [InlineData(
        "routing: { prefix_tokens: 128 }",
        "run.yaml:3:27: routing.prefix_tokens: a prefix of 128 tokens leaves nothing of a sequence of 128; expected less than transformer.sequence_length.")]
    [InlineData(
        "transformer: { sequence_length: 16 }",
        "run.yaml:3:33: transformer.sequence_length: a prefix of 32 tokens leaves nothing of a sequence of 16; expected less than transformer.sequence_length.")]
    [InlineData(
        "evaluation: { sequence_length: 32 }",
        "run.yaml:3:32: evaluation.sequence_length: a prefix of 32 tokens leaves nothing of a sequence of 32 to score; expected more than routing.prefix_tokens.")]
    [InlineData(
        "recipe: { batch_sequences: 4, micro_batch_sequences: 8 }",
        "run.yaml:3:54: recipe.micro_batch_sequences: 8 sequences at once are more than the batch of 4; expected at most recipe.batch_sequences.")]
    [InlineData(
        "inner: { base_warmup_steps: 200 }",
        "run.yaml:3:29: inner.base_warmup_steps: a warm-up of 200 steps is longer than the 100 steps of recipe.base_steps; expected at most those.")]
    [InlineData(
        "inner: { warmup_steps: 5_000 }",
        "run.yaml:3:24: inner.warmup_steps: a warm-up of 5,000 steps is longer than the 100 steps of recipe.phases × recipe.inner_steps; expected at most those.")]
    [InlineData(
        "tokenizer: { file: t.json, vocabulary: 300 }",
        "run.yaml:3:40: tokenizer.vocabulary: this is about a trained tokenizer, but tokenizer.file names an existing one; expected only one of the two.")]
    public void ARuleBetweenKeys_BlamesAKeyThatTheFileStates(string text, string error) => Assert.Equal([error], Yaml.Errors(text));

    [Theory]
    [InlineData(
        "recipe: { batch_sequences: 1_048_576, micro_batch_sequences: 1 }\ntransformer: { sequence_length: 2_048 }",
        "run.yaml:3:28: recipe.batch_sequences: a step of 1,048,576 sequences of 2,048 tokens has 2,147,483,648 tokens, expected at most 268,435,456.")]
    [InlineData(
        "transformer: { sequence_length: 1_048_576 }\nrecipe: { batch_sequences: 2_048 }",
        "run.yaml:4:28: recipe.batch_sequences: a step of 2,048 sequences of 1,048,576 tokens has 2,147,483,648 tokens, expected at most 268,435,456.")]
    [InlineData(
        "recipe: { phases: 1_000_000, inner_steps: 1_000, batch_sequences: 1_048_576 }\ntopology: { levels: [{ experts: 256 }, { experts: 256 }] }",
        "run.yaml:3:19: recipe.phases: 1,000,000,000 steps of 65,536 paths and 134,217,728 tokens are 8.8E+21 tokens, expected at most 1E+18.")]
    [InlineData(
        "transformer: { width: 65_536 }",
        "run.yaml:3:23: transformer.width: a path of 4 blocks, width 65,536, feed-forward 174,784 and 2,048 heads of 32 and 2,048 entries of the vocabulary has 206,310,014,976 parameters, expected at most 2,147,483,584.")]
    [InlineData(
        "tokenizer: { vocabulary: 1_000_000 }\ntransformer: { width: 1_088, heads: 8, tied_embedding: false }",
        "run.yaml:4:23: transformer.width: a path of 4 blocks, width 1,088, feed-forward 2,912 and 8 heads of 136 and 1,000,000 entries of the vocabulary has 2,232,968,768 parameters, expected at most 2,147,483,584.")]
    [InlineData(
        "topology: { levels: [{ blocks: 1_024, experts: 2 }] }\ntransformer: { width: 512 }",
        "run.yaml:4:23: transformer.width: a path of 1,024 blocks, width 512, feed-forward 1,376 and 16 heads of 32 and 2,048 entries of the vocabulary has 3,240,100,352 parameters, expected at most 2,147,483,584.")]
    [InlineData(
        "topology: { levels: [{ blocks: 1, experts: 256 }, { blocks: 1, experts: 256 }] }\ntransformer: { width: 16_384, feed_forward: 32, heads: 1, head_width: 8 }\ntokenizer: { vocabulary: 300 }",
        null)]
    [InlineData(
        "topology: { levels: [{ blocks: 1, experts: 256 }, { blocks: 1, experts: 256 }] }\ntransformer: { width: 16_416, feed_forward: 32, heads: 1, head_width: 8 }\ntokenizer: { vocabulary: 300 }",
        "run.yaml:4:23: transformer.width: a router of 65,536 centroids of width 16,416 has 1,075,838,976 elements, expected at most 1,073,741,824.")]
    [InlineData(
        "recipe: { phases: 1_000_000, inner_steps: 1_000 }\nevaluation: { dense_equal_flops: true }",
        "run.yaml:4:34: evaluation.dense_equal_flops: a dense model at the FLOPs of 4 paths makes 4,000,000,000 steps, expected at most 1,000,000,000.")]
    public void AProductThatIsTooLarge_IsAnErrorBeforeAnythingRuns(string text, string? error)
    {
        if (error is null)
        {
            Yaml.Load(text);
            return;
        }

        Assert.Equal([error], Yaml.Errors(text));
    }

    [Fact]
    public void ATokenizerFilesVocabularyThatMakesAPathTooLarge_IsNamed()
    {
        RunConfig config = Yaml.Load("tokenizer: { file: t.json }\ntransformer: { width: 4_096 }");

        DiPaCoException refusal = Assert.Throws<DiPaCoException>(() => config.ShapeFor(1_000_000));

        Assert.StartsWith("With the 1,000,000 entries of the tokenizer a path has 4,", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("expected at most 2,147,483,584", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(300_000, config.ShapeFor(300_000).Vocabulary);
    }

    [Theory]
    [InlineData("levels: []", "run.yaml:4:11: topology.levels: found a list of 0, expected 1 to 256 levels.")]
    [InlineData("levels: 4", "run.yaml:4:11: topology.levels: found '4', expected a list of levels such as '- { blocks: 3, experts: 4 }'.")]
    [InlineData("levels: [4]", "run.yaml:4:12: topology.levels[0]: found '4', expected keys such as '{ blocks: 3, experts: 4 }'.")]
    [InlineData(
        "levels: [{ shared: true, experts: 2 }]",
        "run.yaml:4:28: topology.levels[0].experts: a shared level has no experts to choose from; expected only one of 'experts' and 'shared'.")]
    [InlineData(
        "levels: [{ shared: true, private: true }]",
        "run.yaml:4:28: topology.levels[0].private: a level is either shared by all paths or private to each; expected only one of 'shared' and 'private'.")]
    [InlineData(
        "levels: [{ blocks: 2, private_blocks: [2] }]",
        "run.yaml:4:42: topology.levels[0].private_blocks: found '2', expected a whole number from 0 to 1 (this level has 2 blocks), each once.")]
    [InlineData(
        "levels: [{ blocks: 3, private_blocks: [0, 0] }]",
        "run.yaml:4:45: topology.levels[0].private_blocks: found '0', expected a whole number from 0 to 2 (this level has 3 blocks), each once.")]
    [InlineData(
        "levels: [{ blocks: 2, private_blocks: [0, 1] }]",
        "run.yaml:4:25: topology.levels[0].private_blocks: these are all blocks of the level, so nothing is left for its experts; expected fewer, or 'private: true' instead.")]
    [InlineData(
        "levels: [{ blocks: 2, private: true, private_blocks: [0] }]",
        "run.yaml:4:40: topology.levels[0].private_blocks: every block of a private level is private already; expected no 'private_blocks'.")]
    [InlineData("paths: some", "run.yaml:4:10: topology.paths: found 'some', expected 'all', or a list of 1 to 65,536 choices such as [[0, 0], [1, 1]].")]
    [InlineData("paths: [[0, 0], [1]]", "run.yaml:4:19: topology.paths[1]: found a list of 1, expected one expert for each of the 2 levels.")]
    [InlineData("paths: [[0, 0], [1, 2]]", "run.yaml:4:23: topology.paths[1][1]: found '2', expected an expert of level 2: a whole number from 0 to 1.")]
    [InlineData(
        "paths: [[0, 0], [1, 1], [0, 0]]",
        "run.yaml:4:27: topology.paths[2]: found a list of 2, expected each choice once; 'replicas' makes several paths of one choice.")]
    [InlineData("paths: [[0, 0], [0, 1]]", "run.yaml:4:10: topology.paths: found a list of 2, expected every expert in at least one path; unused: expert 1 of level 1.")]
    [InlineData(
        "levels: [{ experts: 60_000 }, { experts: 2 }]",
        "run.yaml:4:11: topology.levels: the product of all experts is 120,000 paths, expected at most 65,536; list some under topology.paths.")]
    [InlineData(
        "replicas: 20_000",
        "run.yaml:4:13: topology.replicas: the product of all experts and replicas is 80,000 paths, expected at most 65,536; list some under topology.paths.")]
    public void AnImpossibleTopology_SaysWhatIsImpossible(string text, string error) => Assert.Equal([error], Yaml.Errors("topology:\n  " + text));

    [Fact]
    public void MissingData_SaysWhatToWrite() => Assert.Equal(
        ["run.yaml:1:7: data.paths: missing; expected a file, folder or glob, a list of them, or the single word 'demo'."],
        Yaml.ErrorsOf("size: tiny"));

    [Theory]
    [InlineData("[]", "data.paths: found a list of 0, expected a file, folder or glob, a list of them, or the single word 'demo'.")]
    [InlineData("[a, {}]", "data.paths[1]: found a section of keys, expected a file, folder or glob.")]
    [InlineData("[demo, b]", "data.paths: 'demo' is among others; expected 'demo' alone, or './demo' for a folder of that name.")]
    public void ImpossiblePaths_AreNamed(string paths, string error) =>
        Assert.EndsWith(error, Assert.Single(Yaml.ErrorsOf($"data: {{ paths: {paths} }}")), StringComparison.Ordinal);

    [Fact]
    public void SharesThatLeaveNothingToTrainOn_AreAnError() => Assert.Equal(
        ["run.yaml:1:57: data.test_share: validation, test and router share add up to 1.005, so nothing is left to train on; expected less than 1."],
        Yaml.ErrorsOf("data: { paths: demo, validation_share: 0.5, test_share: 0.5 }"));

    [Fact]
    public void ARunWithoutATestSplit_IsAnError() => Assert.Equal(
        ["run.yaml:1:34: data.test_share: found '0', expected a number above 0 to 0.5."],
        Yaml.ErrorsOf("data: { paths: demo, test_share: 0 }"));

    [Fact]
    public void AllErrorsOfAFile_AreReportedAtOnceInItsOrder()
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => RunConfigLoader.Parse(
            """
            size: tny
            data: { paths: demo }
            recipe:
              phases: 0
              inner_steps: 10
              inner_steps: 20
            outter: {}
            """,
            "bad.yaml"));

        Assert.Equal(
            """
            The configuration has 4 errors:
              bad.yaml:1:7: size: found 'tny', expected one of: tiny, small, medium, large, paper. Did you mean 'tiny'?
              bad.yaml:4:11: recipe.phases: found '0', expected a whole number from 1 to 1,000,000.
              bad.yaml:6:3: recipe.inner_steps: this key is stated twice; it stands on line 5 already. Keep one.
              bad.yaml:7:1: outter: unknown key (found a section of keys). Did you mean 'outer'?
            """,
            exception.Message,
            ignoreLineEndingDifferences: true);
    }

    [Fact]
    public void ARuleAboutAKeyThatIsWrongAlready_IsSilent() => Assert.Equal(
        ["run.yaml:3:28: recipe.batch_sequences: found 'x', expected a whole number from 1 to 1,048,576."],
        Yaml.Errors("recipe: { batch_sequences: x, micro_batch_sequences: 64 }"));
}
