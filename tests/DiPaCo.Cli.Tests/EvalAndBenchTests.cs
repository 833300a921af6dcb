using System.Text.Json;
using System.Text.RegularExpressions;
using DiPaCo.Cli.Tests.Support;
using Xunit;

namespace DiPaCo.Cli.Tests;

public sealed class EvalAndBenchTests
{
    [Fact]
    public async Task EvalShowsTheTableAndWhatWasScored()
    {
        CommandLine cli = new();

        int code = await cli.RunAsync("eval", "runs/mine");

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        Assert.Empty(cli.Engine.Data);
        Assert.Contains("dense, equal FLOPs", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("on 412 documents of the run's test split", cli.Standard, StringComparison.Ordinal);
        Assert.Contains(
            "The router spreads 412 documents over the paths with 1.86 bits of entropy, 93 % of an even spread; 61 % go to the path that is best in hindsight.",
            Regex.Replace(cli.Standard, @"\s+", " "), StringComparison.Ordinal);
        Assert.Contains($"model digest {SampleRun.Digest}", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EvalTakesTextOfOnesOwn()
    {
        CommandLine cli = new();

        await cli.RunAsync("eval", "runs/mine", "--data", "a.txt", "--data", "books/");

        Assert.Equal(["a.txt", "books/"], cli.Engine.Data);
    }

    [Fact]
    public async Task EvalAsJsonHasOneRowAModel()
    {
        CommandLine cli = new();

        await cli.RunAsync("eval", "runs/mine", "--json");

        using JsonDocument json = JsonDocument.Parse(cli.Standard);
        Assert.Equal(["name", "modelDigest", "data", "documents", "badRecords", "evaluation", "router"], Keys(json.RootElement));
        Assert.Equal(["documents", "entropy", "entropyShare", "oracleAgreement"], Keys(json.RootElement.GetProperty("router")));
        Assert.Equal(
            ["kind", "model", "paths", "parametersPerPath", "parametersTotal", "steps", "trainingTokens", "trainingFlops", "routingFlops",
             "perplexity", "perplexityWithPrefix", "bitsPerByte", "scoredTokens"],
            Keys(json.RootElement.GetProperty("evaluation")[0]));
    }

    [Fact]
    public async Task BenchAsJsonHasExactlyTheKeysThatScriptsRead()
    {
        CommandLine cli = new();

        int code = await cli.RunAsync("bench", "--quick", "--json");

        using JsonDocument json = JsonDocument.Parse(cli.Standard);
        Assert.Equal((ExitCodes.Success, true), (code, cli.Bench.Quick));
        Assert.Equal(["machine", "gemm", "step", "adamw", "safetensors"], Keys(json.RootElement));
        Assert.Equal(["fp32", "bf16"], Keys(json.RootElement.GetProperty("gemm")));
        Assert.All(json.RootElement.GetProperty("step").EnumerateArray(), step => Assert.Equal(["parameters", "dtype", "ratio"], Keys(step)));
        Assert.Equal("bf16", json.RootElement.GetProperty("step")[0].GetProperty("dtype").GetString());
        Assert.Equal(["ratio"], Keys(json.RootElement.GetProperty("adamw")));
        Assert.Equal(["write", "read", "plainWrite", "plainRead", "put"], Keys(json.RootElement.GetProperty("safetensors")));
        Assert.Contains("matrix products …", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BenchShowsATableWithUnits()
    {
        CommandLine cli = new();

        await cli.RunAsync("bench");

        Assert.False(cli.Bench.Quick);
        Assert.Contains("1.30 TFLOP/s", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("63 %", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("1.31×", cli.Standard, StringComparison.Ordinal);
        Assert.Matches("safetensors, write +│ +0.41× │ the time of a copy of the same file", cli.Standard);
        Assert.Matches("safetensors, read +│ +0.32× │ the time of a copy of the same file", cli.Standard);
        Assert.Matches("safetensors, plain write +│ +1.12× │", cli.Standard);
        Assert.Matches("safetensors, plain read +│ +1.05× │", cli.Standard);
    }

    private static IEnumerable<string> Keys(JsonElement element) => element.EnumerateObject().Select(property => property.Name);
}
