using System.Text.Json;
using DiPaCo.Cli.Tests.Support;
using Xunit;

namespace DiPaCo.Cli.Tests;

/// <summary>The README's first command and the bench, as the built program does them on this machine. How fast is not asserted.</summary>
public sealed class FirstCommandsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task TheDemoTrainsOnTheSdksOwnTextAndBeatsTheDenseModel()
    {
        SkipUnlessAsked();
        ProgramResult demo = await RunAsync("train", "--demo", "--size", "tiny", "--json");
        Assert.Equal(0, demo.ExitCode);
        using JsonDocument json = JsonDocument.Parse(demo.Standard);
        JsonElement results = json.RootElement.GetProperty("results");
        Dictionary<string, double> perplexities = results.GetProperty("evaluation").EnumerateArray()
            .ToDictionary(row => row.GetProperty("kind").GetString()!, row => row.GetProperty("perplexity").GetDouble());
        Assert.InRange(perplexities["routed"], 1, perplexities["denseEqualSteps"]);
        Assert.InRange(perplexities["denseEqualSteps"], 1, perplexities["denseBase"]);
        Assert.Equal(2, results.GetProperty("samples").EnumerateArray().Select(sample => sample.GetProperty("path").GetInt32()).Distinct().Take(2).Count());
        Assert.Contains(results.GetProperty("modelDigest").GetString()!, File.ReadAllText(_folder["runs/demo-tiny/report.html"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheBenchMeasuresThisMachine()
    {
        SkipUnlessAsked();
        ProgramResult bench = await RunAsync("bench", "--quick", "--json");
        Assert.Equal(0, bench.ExitCode);
        using JsonDocument json = JsonDocument.Parse(bench.Standard);
        List<double> numbers =
        [
            json.RootElement.GetProperty("gemm").GetProperty("fp32").GetDouble(),
            json.RootElement.GetProperty("gemm").GetProperty("bf16").GetDouble(),
            json.RootElement.GetProperty("adamw").GetProperty("ratio").GetDouble(),
            json.RootElement.GetProperty("safetensors").GetProperty("write").GetDouble(),
            json.RootElement.GetProperty("safetensors").GetProperty("read").GetDouble(),
            .. json.RootElement.GetProperty("step").EnumerateArray().Select(step => step.GetProperty("ratio").GetDouble()),
        ];
        Assert.Equal(9, numbers.Count);
        Assert.All(numbers, number => Assert.True(double.IsFinite(number) && number > 0));
    }

    /// <summary>A minute or two for the program as users build it, ten for that of the tests.</summary>
    private static void SkipUnlessAsked() =>
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DIPACO_TEST_DEMO") == "1", "Takes minutes; set DIPACO_TEST_DEMO=1 to run it.");

    private Task<ProgramResult> RunAsync(params string[] arguments) => Programs.DipacoAsync(_folder.Path, arguments);
}
