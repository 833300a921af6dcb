using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Serving.Export;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Export;

public sealed class HuggingFaceTests(TrainedRun run)
{
    [Fact]
    public async Task AnExportedPathReadAsALlamaModelPredictsWhatThePathPredicts()
    {
        foreach (PathId path in run.Grid.Topology.Paths)
        {
            string folder = await ExportAsync(path, ExportType.F32);
            LlamaReference llama = new(folder);
            int[] tokens = [.. (await run.Grid.LoadTokenizerAsync(TestContext.Current.CancellationToken)).Encode("the river and the mill").Prepend(0).Take(12)];
            float[][] ours = await PathLogits.OfEveryPositionAsync(run.Grid, path, tokens);
            for (int length = 1; length <= tokens.Length; length++)
            {
                Near(llama.NextTokenLogits(tokens[..length]), ours[length - 1], 1e-4);
            }
        }
    }

    [Fact]
    public async Task HeadsThatShareTheirKeysAndAnOutputMatrixOfItsOwnArriveAsTheyAre()
    {
        TransformerShape shape = run.Grid.Description.Shape with { Heads = 4, KeyValueHeads = 2, HeadWidth = 8, TiedEmbedding = false };
        ServedGrid grid = await RandomGrid.CreateAsync(run.Grid, run.NewPath(), [new LevelOptions { Blocks = shape.Blocks, Experts = 2 }], shape);
        string folder = run.NewPath();
        await ModelExport.ExportPathAsync(grid, new PathId(1), ExportFormat.HuggingFace, ExportType.F32, folder, TestContext.Current.CancellationToken);
        LlamaReference llama = new(folder);
        Assert.Contains("lm_head.weight", llama.TensorNames);
        int[] tokens = [0, 5, 80, 12, 33];
        float[][] ours = await PathLogits.OfEveryPositionAsync(grid, new PathId(1), tokens);
        for (int length = 1; length <= tokens.Length; length++)
        {
            Near(llama.NextTokenLogits(tokens[..length]), ours[length - 1], 1e-4);
        }
    }

    [Theory]
    [InlineData(ExportType.F16, 2e-3)]
    [InlineData(ExportType.Bf16, 2e-2)]
    public async Task SixteenBitsChangeLogitsByTheirRoundingOnly(ExportType type, double tolerance)
    {
        PathId path = run.Grid.Topology.Paths[^1];
        int[] tokens = [0, 5, 80, 12, 33];
        float[][] ours = await PathLogits.OfEveryPositionAsync(run.Grid, path, tokens);
        double[] theirs = new LlamaReference(await ExportAsync(path, type)).NextTokenLogits(tokens);
        Near(theirs, ours[^1], tolerance);
        Assert.NotEqual(ours[^1].Select(logit => (double)logit), theirs);
    }

    [Fact]
    public async Task TheFolderHoldsWhatALlamaCheckpointConsistsOf()
    {
        string folder = await ExportAsync(run.Grid.Topology.Paths[0], ExportType.F32);
        Assert.Equal(
            ["README.md", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
            Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        TextTokenizer tokenizer = TokenizerFile.Load(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")));
        TransformerShape shape = run.Grid.Description.Shape;
        AssertJson(
            new JsonObject
            {
                ["architectures"] = new JsonArray("LlamaForCausalLM"), ["model_type"] = "llama", ["vocab_size"] = 320, ["hidden_size"] = 32, ["intermediate_size"] = 64,
                ["num_hidden_layers"] = 3, ["num_attention_heads"] = 2, ["num_key_value_heads"] = shape.KeyValueHeads, ["head_dim"] = 16, ["hidden_act"] = "silu",
                ["max_position_embeddings"] = 48, ["rms_norm_eps"] = shape.NormEpsilon, ["rope_theta"] = shape.RopeBase, ["tie_word_embeddings"] = shape.TiedEmbedding,
                ["attention_bias"] = false, ["mlp_bias"] = false, ["attention_dropout"] = 0.0, ["bos_token_id"] = tokenizer.EndOfText, ["eos_token_id"] = tokenizer.EndOfText,
                ["torch_dtype"] = "float32", ["use_cache"] = true,
            },
            Path.Combine(folder, "config.json"));
        AssertJson(
            new JsonObject { ["bos_token_id"] = tokenizer.EndOfText, ["eos_token_id"] = tokenizer.EndOfText, ["do_sample"] = true, ["temperature"] = 0.8 },
            Path.Combine(folder, "generation_config.json"));
        Assert.Contains(run.Grid.Description.ModelDigest, File.ReadAllText(Path.Combine(folder, "README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnExportThatCannotBeMadeLeavesNothingBehind()
    {
        string destination = run.NewPath();
        string parent = Path.GetDirectoryName(destination)!;
        string[] before = Directory.GetFileSystemEntries(parent);
        DiPaCoException failure = await Assert.ThrowsAsync<DiPaCoException>(() => ModelExport.ExportPathAsync(
            run.Grid, run.Grid.Topology.Paths[0], ExportFormat.HuggingFace, ExportType.Q80, destination, TestContext.Current.CancellationToken));
        Assert.Contains("q8_0", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFileSystemEntries(parent).Except(before), entry => entry.Contains(Path.GetFileName(destination), StringComparison.Ordinal));
    }

    [Fact]
    public async Task WhatIsThereAlreadyIsNotWrittenOver()
    {
        string folder = await ExportAsync(run.Grid.Topology.Paths[0], ExportType.F32);
        byte[] before = File.ReadAllBytes(Path.Combine(folder, "model.safetensors"));
        await Assert.ThrowsAsync<DiPaCoException>(() => ModelExport.ExportPathAsync(
            run.Grid, run.Grid.Topology.Paths[1], ExportFormat.HuggingFace, ExportType.F32, folder, TestContext.Current.CancellationToken));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
    }

    [Fact]
    public async Task APathThatIsNotThereIsRefusedWithThoseThatAre()
    {
        DiPaCoException failure = await Assert.ThrowsAsync<DiPaCoException>(() => ModelExport.ExportPathAsync(
            run.Grid, new PathId(4), ExportFormat.HuggingFace, ExportType.F32, run.NewPath(), TestContext.Current.CancellationToken));
        Assert.Contains("0 to 3", failure.Message, StringComparison.Ordinal);
    }

    private async Task<string> ExportAsync(PathId path, ExportType type)
    {
        string folder = run.NewPath();
        await ModelExport.ExportPathAsync(run.Grid, path, ExportFormat.HuggingFace, type, folder, TestContext.Current.CancellationToken);
        return folder;
    }

    private static void AssertJson(JsonObject expected, string file) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected.ToJsonString()), JsonNode.Parse(File.ReadAllText(file))), File.ReadAllText(file));

    private static void Near(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, tolerance));
    }
}
