using System.Text.Json;
using DiPaCo.Cli.Tests.Support;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Cli.Tests;

public sealed class InitAndPlanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task InitWritesAFileThatLoadsAndNamesTheNextCommands()
    {
        CommandLine cli = new();
        string file = _folder[Path.Combine("new folder", "mine.yaml")];

        int code = await cli.RunAsync("init", "-o", file, "--size", "tiny", "--data", "texts");

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        RunConfig config = RunConfigLoader.Load(file, new ConfigOverrides()).Config;
        Assert.Equal(("mine", ModelSize.Tiny), (config.Name, config.Size));
        Assert.Equal(["texts"], config.Data.Paths);
        Assert.Contains($"dipaco plan '{file}'", cli.Standard, StringComparison.Ordinal);
        Assert.Contains($"dipaco train '{file}'", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InitReplacesAFileOnlyWhenForced()
    {
        File.WriteAllText(_folder["mine.yaml"], "precious");
        CommandLine cli = new();

        int refused = await cli.RunAsync("init", "-o", _folder["mine.yaml"]);

        Assert.Equal(ExitCodes.UserError, refused);
        Assert.Contains("replace it with --force", cli.Error, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(_folder["mine.yaml"]));
        Assert.Equal(ExitCodes.Success, await cli.RunAsync("init", "-o", _folder["mine.yaml"], "--force"));
        Assert.StartsWith("#", File.ReadAllText(_folder["mine.yaml"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InitRefusesAFolderAsItsFile()
    {
        CommandLine cli = new();

        int code = await cli.RunAsync("init", "-o", _folder.Path);

        Assert.Equal(ExitCodes.UserError, code);
        Assert.Contains("is a folder", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlanShowsPathsModulesStagesAndTheCompleteConfiguration()
    {
        File.WriteAllText(_folder["mine.yaml"], "size: tiny\ndata: { paths: [texts] }\n");
        CommandLine cli = new();

        int code = await cli.RunAsync("plan", _folder["mine.yaml"]);

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        Assert.Contains("4 of 1.07 M parameters", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("level1.expert0", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("dense at equal steps", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("  inner_steps: 25", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlanAsJsonIsOneObject()
    {
        File.WriteAllText(_folder["mine.yaml"], "size: tiny\ndata: { paths: [texts] }\n");
        CommandLine cli = new();

        await cli.RunAsync("plan", _folder["mine.yaml"], "--json", "--size", "small");

        using JsonDocument json = JsonDocument.Parse(cli.Standard);
        Assert.Equal("small", json.RootElement.GetProperty("size").GetString());
        Assert.True(json.RootElement.GetProperty("totalSeconds").GetDouble() > 0);
    }

    [Fact]
    public async Task AnUnknownKeyIsRefusedWithFileLineAndTheNearestKey()
    {
        File.WriteAllText(_folder["mine.yaml"], "size: tiny\ndata: { paths: [texts] }\nrecipe:\n  inner_stops: 3\n");
        CommandLine cli = new();

        int code = await cli.RunAsync("plan", _folder["mine.yaml"]);

        Assert.Equal((ExitCodes.UserError, ""), (code, cli.Standard));
        Assert.Contains("mine.yaml:4", cli.Error, StringComparison.Ordinal);
        Assert.Contains("inner_steps", cli.Error, StringComparison.Ordinal);
    }
}
