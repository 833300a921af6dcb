using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Serving.Export;
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
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "config.json")));
        Assert.Equal("LlamaForCausalLM", config.RootElement.GetProperty("architectures")[0].GetString());
        Assert.Equal(run.Grid.Description.SequenceLength, config.RootElement.GetProperty("max_position_embeddings").GetInt32());
        TextTokenizer tokenizer = TokenizerFile.Load(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")));
        Assert.Equal(config.RootElement.GetProperty("eos_token_id").GetInt32(), tokenizer.EndOfText);
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

    private static void Near(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, tolerance));
    }
}
