using System.Diagnostics;
using System.Text.Json;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Serving.Tests.Support;

/// <summary>A real llama.cpp, from tests/llama; tests skip where it is not installed.</summary>
internal static class LlamaCpp
{
    /// <summary>What it predicts.</summary>
    /// <param name="Probabilities">For each token given, the probability of every entry of the vocabulary as the next one.</param>
    /// <param name="Greedy">The most likely tokens in a row behind the last one.</param>
    /// <param name="Words">A text as tokens.</param>
    /// <param name="Begin">The token that begins a text.</param>
    /// <param name="End">The token that ends a text.</param>
    /// <param name="AddsBegin">Whether it begins prompts with that token.</param>
    internal sealed record Prediction(double[][] Probabilities, int[] Greedy, int[] Words, int Begin, int End, bool AddsBegin);

    /// <summary>Loads a GGUF file and predicts.</summary>
    public static async Task<Prediction> PredictOrSkipAsync(string model, int[] tokens, int greedy, string text)
    {
        string folder = Path.Combine(RepositoryRoot.Folder, "tests", "llama");
        Assert.SkipUnless(Directory.Exists(Path.Combine(folder, "node_modules", "node-llama-cpp")),
            "llama.cpp is not installed: npm install --prefix tests/llama --omit=optional --no-package-lock");
        using Process process = Process.Start(new ProcessStartInfo("node", [Path.Combine(folder, "predict.mjs"), model, string.Join(',', tokens), $"{greedy}", text])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{output}\n{await errors}");
        return JsonSerializer.Deserialize<Prediction>(output, JsonSerializerOptions.Web)!;
    }
}
