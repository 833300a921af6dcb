using System.Globalization;
using System.Text.Json;
using DiPaCo.Cli.Tests.Support;
using Xunit;

namespace DiPaCo.Cli.Tests.Serving;

/// <summary>What <c>dipaco eval --weights</c> says of weights as <c>dipaco serve</c> has them.</summary>
[Collection(nameof(TrainedProjectTests))]
public sealed class EvalWeightsTests(TrainedProject project)
{
    [Fact]
    public async Task EightBitWeightsHaveARowOfTheirOwnAndWhatTheyCostIsSaid()
    {
        string[] arguments = ["eval", Path.Combine(project.Folder, "runs/mine"), "--weights", "int8"];
        CommandLine said = new() { UsesRuntime = true };
        CommandLine shown = new() { UsesRuntime = true };
        Assert.Equal(0, await said.RunAsync([.. arguments, "--json"]));
        Assert.Equal(0, await shown.RunAsync(arguments));

        const string suffix = ", int8 weights";
        using JsonDocument json = JsonDocument.Parse(said.Standard);
        JsonElement[] rows = [.. json.RootElement.GetProperty("evaluation").EnumerateArray()];
        JsonElement rounded = Assert.Single(rows, row => NameOf(row).EndsWith(suffix, StringComparison.Ordinal));
        JsonElement whole = Assert.Single(rows, row => NameOf(row) == NameOf(rounded)[..^suffix.Length]);
        double ratio = rounded.GetProperty("perplexity").GetDouble() / whole.GetProperty("perplexity").GetDouble();
        Assert.NotEqual(1, ratio);
        Assert.InRange(ratio, 0.98, 1.02);
        Assert.Contains(
            $"the perplexity changes by {(ratio - 1).ToString("+0.000 %;-0.000 %", CultureInfo.InvariantCulture)} where", shown.Standard, StringComparison.Ordinal);
    }

    private static string NameOf(JsonElement row) => row.GetProperty("model").GetString()!;
}
