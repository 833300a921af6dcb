using DiPaCo.Core;
using DiPaCo.Model.Checkpoints;
using DiPaCo.Serving.Export;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Export;

public sealed class GgufTests(TrainedRun run)
{
    [Theory]
    [InlineData(ExportType.F32, 0, 0u)]
    [InlineData(ExportType.F16, 1e-3, 1u)]
    [InlineData(ExportType.Bf16, 4e-3, 30u)]
    [InlineData(ExportType.Q80, 5e-3, 8u)]
    public async Task EveryTensorIsThereWithinTheRoundingOfItsType(ExportType type, double relative, uint stored)
    {
        PathId path = run.Grid.Topology.Paths[1];
        GgufReader gguf = new(await ExportAsync(path, type));
        using PathWeights weights = await PathWeights.OpenAsync(run.Grid, path, TestContext.Current.CancellationToken);
        Assert.Equal(LlamaTensor.Of(run.Grid.Description.Shape).Select(tensor => tensor.GgufName).Order(StringComparer.Ordinal), gguf.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach (LlamaTensor tensor in LlamaTensor.Of(run.Grid.Description.Shape))
        {
            float[] expected = weights.Read(tensor);
            float[] actual = gguf.Read(tensor.GgufName);
            Assert.Equal(tensor.Columns == 0 ? 0u : stored, gguf.Tensors[tensor.GgufName].Type);
            Assert.Equal(tensor.Shape.Reverse().Select(dimension => (ulong)dimension), gguf.Tensors[tensor.GgufName].Dimensions);
            if (tensor.RotaryHeads > 0)
            {
                // Each head's rows in another order; which one, llama.cpp's own predictions tell.
                expected = [.. expected.Order()];
                actual = [.. actual.Order()];
            }

            double largest = expected.Max(Math.Abs);
            Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, largest * relative));
        }
    }

    [Fact]
    public async Task TheFileSaysWhatLlamaCppAsks()
    {
        GgufReader gguf = new(await ExportAsync(run.Grid.Topology.Paths[0], ExportType.F32));
        TransformerShape shape = run.Grid.Description.Shape;
        Assert.Equal("llama", gguf.Pairs["general.architecture"]);
        Assert.Equal((uint)shape.Blocks, gguf.Pairs["llama.block_count"]);
        Assert.Equal((uint)shape.Width, gguf.Pairs["llama.embedding_length"]);
        Assert.Equal((uint)shape.HeadWidth, gguf.Pairs["llama.rope.dimension_count"]);
        Assert.Equal("gpt2", gguf.Pairs["tokenizer.ggml.model"]);
        Assert.Equal("gpt-2", gguf.Pairs["tokenizer.ggml.pre"]);
        object[] tokens = (object[])gguf.Pairs["tokenizer.ggml.tokens"];
        Assert.Equal(shape.Vocabulary, tokens.Length);
        Assert.Equal(shape.Vocabulary, ((object[])gguf.Pairs["tokenizer.ggml.token_type"]).Length);
        Assert.Equal("<|endoftext|>", tokens[(int)(uint)gguf.Pairs["tokenizer.ggml.eos_token_id"]]);
    }

    [Fact]
    public void ABlocksScaleIsItsLargestMagnitudeOver127()
    {
        float[] values = [.. Enumerable.Range(0, 32).Select(at => at - 20f)];
        byte[] block = ElementCodec.Encode(ExportType.Q80, values, "x");
        Assert.Equal(34, block.Length);
        Assert.Equal((Half)(20f / 127), BitConverter.ToHalf(block));
        Assert.Equal(-127, (sbyte)block[2]);
        Assert.Equal((sbyte)MathF.Round(11f * 127 / 20), (sbyte)block[^1]);
        Assert.All(ElementCodec.Encode(ExportType.Q80, new float[64], "x"), value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(70_000f)]
    public void ANumberThatTheTypeCannotHoldIsRefusedByName(float number)
    {
        DiPaCoException failure = Assert.Throws<DiPaCoException>(() => ElementCodec.Encode(ExportType.F16, [1, number], "model.norm.weight"));
        Assert.Contains("model.norm.weight", failure.Message, StringComparison.Ordinal);
    }

    private async Task<string> ExportAsync(PathId path, ExportType type)
    {
        string file = run.NewPath();
        await ModelExport.ExportPathAsync(run.Grid, path, ExportFormat.Gguf, type, file, TestContext.Current.CancellationToken);
        return file;
    }
}
