using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Serving.Export;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Export;

/// <summary>Exported paths in a real llama.cpp.</summary>
public sealed class LlamaCppTests(TrainedRun run)
{
    private const string Text = "It's the mill by 2 rivers, caf\u00e9 and all:\n  37 miles   away\u2026";

    private static readonly PathId Exported = new(2);

    private static readonly int[] Tokens = [0, 85, 290, 33, 101, 7, 260, 118];

    /// <param name="type">How elements are stored.</param>
    /// <param name="tolerance">
    /// How far log probabilities may lie from ours, as a share of their spread over the vocabulary: what a type's rounding does to a matrix product of some
    /// blocks. Probabilities themselves would tell little, since in a run as short as this all are near to one in the vocabulary.
    /// </param>
    [Theory]
    [InlineData(ExportType.F32, 1e-5)]
    [InlineData(ExportType.F16, 5e-4)]
    [InlineData(ExportType.Bf16, 4e-3)]
    [InlineData(ExportType.Q80, 1e-2)]
    public async Task LlamaCppPredictsWhatThePathPredicts(ExportType type, double tolerance)
    {
        string file = await ExportAsync(type);
        LlamaCpp.Prediction llama = await LlamaCpp.PredictOrSkipAsync(file, Tokens, greedy: 12, Text);
        TextTokenizer tokenizer = await run.Grid.LoadTokenizerAsync(TestContext.Current.CancellationToken);
        Assert.Equal(tokenizer.Encode(Text), llama.Words);
        Assert.Equal((tokenizer.EndOfText, tokenizer.EndOfText, true), (llama.Begin, llama.End, llama.AddsBegin));
        double[][] ours = await OursAsync([.. Tokens, .. llama.Greedy]);
        for (int at = 0; at < Tokens.Length; at++)
        {
            Assert.InRange(Distance(ours[at], llama.Probabilities[at]), 0, tolerance);
        }

        // Its every greedy choice is ours, or one that is as likely within rounding.
        for (int at = 0; at < llama.Greedy.Length; at++)
        {
            double[] row = ours[Tokens.Length - 1 + at];
            Assert.InRange(row.Max() - row[llama.Greedy[at]], 0, 4 * tolerance * Spread(row));
        }
    }

    [Fact]
    public async Task HeadsThatShareTheirKeysAndAnOutputMatrixOfItsOwnArriveAsTheyAre()
    {
        // Random parameters: as the other paths, but with two heads to each head of keys and values, and no tied embedding.
        TransformerShape shape = run.Grid.Description.Shape with { Heads = 4, KeyValueHeads = 2, HeadWidth = 8, TiedEmbedding = false };
        ServedGrid grid = await RandomGrid.CreateAsync(run.Grid, run.NewPath(), [new LevelOptions { Blocks = shape.Blocks, Experts = 3 }], shape);
        LlamaCpp.Prediction llama = await LlamaCpp.PredictOrSkipAsync(await ExportAsync(ExportType.F32, grid), Tokens, greedy: 1, Text);
        double[][] ours = await OursAsync(Tokens, grid);
        Assert.All(Enumerable.Range(0, Tokens.Length), at => Assert.InRange(Distance(ours[at], llama.Probabilities[at]), 0, 1e-5));
    }

    [Theory]
    [InlineData("blk.0.attn_q.weight")]
    [InlineData("blk.1.attn_k.weight")]
    [InlineData("blk.2.attn_v.weight")]
    [InlineData("blk.0.ffn_up.weight")]
    [InlineData("token_embd.weight")]
    public async Task ATensorWhoseRowsAreInAnotherOrderIsNoticed(string tensor)
    {
        string file = await ExportAsync(ExportType.F32);
        GgufReader reader = new(file);
        (ulong[] dimensions, _, _) = reader.Tensors[tensor];
        int row = (int)dimensions[0] * sizeof(float);
        int rows = (int)dimensions[1];
        byte[] bytes = File.ReadAllBytes(file);
        Span<byte> data = bytes.AsSpan((int)reader.PositionOf(tensor), rows * row);
        byte[] before = data.ToArray();
        for (int at = 0; at < rows; at++)
        {
            // As between the two ways in which rotary positions pair elements: halves, or neighbours.
            before.AsSpan(at * row, row).CopyTo(data[(((at % 2 * (rows / 2)) + (at / 2)) * row)..]);
        }

        File.WriteAllBytes(file, bytes);
        LlamaCpp.Prediction llama = await LlamaCpp.PredictOrSkipAsync(file, Tokens, greedy: 1, Text);
        double[][] ours = await OursAsync(Tokens);
        double distance = Enumerable.Range(0, Tokens.Length).Max(at => Distance(ours[at], llama.Probabilities[at]));
        Assert.True(distance > 1e-3, $"The log probabilities lie {distance} of their spread apart, which other tests might take for rounding.");
    }

    /// <summary>How far log probabilities lie apart, as a share of the spread of ours.</summary>
    private static double Distance(double[] ours, double[] probabilities) =>
        Math.Sqrt(ours.Zip(probabilities, (own, probability) => Math.Pow(own - Math.Log(probability), 2)).Average()) / Spread(ours);

    private static double Spread(double[] row) => Math.Sqrt(row.Average(value => Math.Pow(value - row.Average(), 2)));

    private async Task<string> ExportAsync(ExportType type, ServedGrid? grid = null)
    {
        string file = run.NewPath() + ".gguf";
        await ModelExport.ExportPathAsync(grid ?? run.Grid, Exported, ExportFormat.Gguf, type, file, TestContext.Current.CancellationToken);
        return file;
    }

    /// <summary>Log probabilities behind each token.</summary>
    private async Task<double[][]> OursAsync(int[] tokens, ServedGrid? grid = null) =>
        [.. (await PathLogits.OfEveryPositionAsync(grid ?? run.Grid, Exported, tokens)).Select(logits =>
        {
            double highest = logits.Max();
            double logSum = highest + Math.Log(logits.Sum(logit => Math.Exp(logit - highest)));
            return logits.Select(logit => logit - logSum).ToArray();
        })];
}
