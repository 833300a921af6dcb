using System.Text.Json;

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
    public static async Task<Prediction> PredictOrSkipAsync(string model, int[] tokens, int greedy, string text) => JsonSerializer.Deserialize<Prediction>(
        await NodeScript.RunOrSkipAsync(
            "llama", "node-llama-cpp", "llama.cpp is not installed: npm install --prefix tests/llama --omit=optional --no-package-lock",
            "predict.mjs", [model, string.Join(',', tokens), $"{greedy}", text]),
        JsonSerializerOptions.Web)!;
}
