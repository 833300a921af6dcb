using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Serving.Export;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Export;

/// <summary>Exported paths in a real llama.cpp.</summary>
public sealed class LlamaCppTests(TrainedRun run)
{
    private const string Text = "It's the mill by 2 rivers, caf\u00e9 and all:\n  37 miles   away\u2026";

    private static readonly int[] Tokens = [0, 85, 290, 33, 101, 7, 260, 118];

    [Theory]
    [InlineData(ExportType.F32, 2e-5)]
    [InlineData(ExportType.F16, 2e-4)]
    [InlineData(ExportType.Bf16, 2e-3)]
    [InlineData(ExportType.Q80, 2e-3)]
    public async Task LlamaCppPredictsWhatThePathPredicts(ExportType type, double tolerance)
    {
        PathId path = run.Grid.Topology.Paths[2];
        string file = run.NewPath() + ".gguf";
        await ModelExport.ExportPathAsync(run.Grid, path, ExportFormat.Gguf, type, file, TestContext.Current.CancellationToken);
        LlamaCpp.Prediction llama = await LlamaCpp.PredictOrSkipAsync(file, Tokens, greedy: 12, Text);
        TextTokenizer tokenizer = await run.Grid.LoadTokenizerAsync(TestContext.Current.CancellationToken);
        Assert.Equal(tokenizer.Encode(Text), llama.Words);
        Assert.Equal((tokenizer.EndOfText, tokenizer.EndOfText, true), (llama.Begin, llama.End, llama.AddsBegin));
        int[] all = [.. Tokens, .. llama.Greedy];
        float[][] ours = await PathLogits.OfEveryPositionAsync(run.Grid, path, all);
        for (int at = 0; at < Tokens.Length; at++)
        {
            double[] probabilities = Softmax(ours[at]);
            Assert.All(probabilities.Zip(llama.Probabilities[at]), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, tolerance));
        }

        // Its every greedy choice is ours, or one that ours gives the same probability within rounding.
        for (int at = 0; at < llama.Greedy.Length; at++)
        {
            double[] probabilities = Softmax(ours[Tokens.Length - 1 + at]);
            Assert.InRange(probabilities.Max() - probabilities[llama.Greedy[at]], 0, tolerance);
        }
    }

    private static double[] Softmax(float[] logits)
    {
        double highest = logits.Max();
        double sum = logits.Sum(logit => Math.Exp(logit - highest));
        return [.. logits.Select(logit => Math.Exp(logit - highest) / sum)];
    }
}
