using System.Text.Json;
using DiPaCo.Cli.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Cli.Tests;

/// <summary>One row that cannot be trained is no reason to do without the others.</summary>
public sealed class ExperimentCommandTests : IDisposable
{
    private const string Table = """
        name: table
        seeds: [1, 2]
        base:
          size: tiny
          data: { paths: demo }
        rows:
          - name: first-row
          - name: second
            with: { routing: { method: random } }

        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ARunThatFails_IsInEveryOutput_AndTheExitCodeSaysSo()
    {
        CommandLine cli = Failing("first-row-seed1", new DiPaCoException("Training of path 3 in phase 2 stopped: Step 4 has loss NaN|0."));

        int code = await RunAsync(cli);

        Assert.Equal(ExitCodes.UserError, code);
        Assert.Contains("error: Row 'first-row', seed 1: Training of path 3 in phase 2 stopped: Step 4 has loss NaN|0.", cli.Error, StringComparison.Ordinal);
        Assert.Contains("1 of 4 runs failed", cli.Error, StringComparison.Ordinal);
        string markdown = await File.ReadAllTextAsync(_folder[Path.Combine("out", "experiment.md")], TestContext.Current.CancellationToken);
        Assert.Contains("| first-row | 1 | Training of path 3 in phase 2 stopped: Step 4 has loss NaN\\|0. |", markdown, StringComparison.Ordinal);
        Assert.Contains("| second | 2 |", markdown, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(await File.ReadAllBytesAsync(_folder[Path.Combine("out", "experiment.json")], TestContext.Current.CancellationToken));
        JsonElement failed = Assert.Single(json.RootElement.GetProperty("failed").EnumerateArray());
        Assert.Equal(("first-row", 1), (failed.GetProperty("row").GetString(), failed.GetProperty("seed").GetInt32()));
        Assert.Equal([1, 2], json.RootElement.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("runs").GetArrayLength()));
    }

    [Fact]
    public async Task ADiskThatIsFull_StopsTheExperiment()
    {
        CommandLine cli = Failing("first-row-seed2", new StorageException("blobs", "Cannot write 'blobs': the disk is full."));

        int code = await RunAsync(cli);

        Assert.Equal(ExitCodes.UserError, code);
        Assert.Contains("error: Row 'first-row', seed 2: Cannot write 'blobs': the disk is full.", cli.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("runs failed", cli.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("second", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutAFailure_NothingIsSaidOfOne()
    {
        CommandLine cli = Failing(null, new InvalidOperationException());

        Assert.Equal((ExitCodes.Success, ""), (await RunAsync(cli), cli.Error));
        Assert.DoesNotContain("Failed", await File.ReadAllTextAsync(_folder[Path.Combine("out", "experiment.md")], TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static CommandLine Failing(string? run, Exception failure) => new()
    {
        Engine = new FakeEngine
        {
            Train = (config, folder, _, _) => config.Config.Name == run ? Task.FromException<RunResults>(failure) : TrainAsync(folder),
        },
    };

    /// <summary>Later runs look into the journals of finished ones.</summary>
    private static Task<RunResults> TrainAsync(string folder)
    {
        using JsonDocument config = JsonDocument.Parse("{}");
        using RunFolder run = RunFolder.OpenOrCreate(folder, RunInfo.Of("run", config.RootElement), "", []);
        using TaskJournal journal = TaskJournal.OpenForWriting(run.Lock);
        return Task.FromResult(SampleRun.Results());
    }

    private async Task<int> RunAsync(CommandLine cli)
    {
        await File.WriteAllTextAsync(_folder["table.yaml"], Table, TestContext.Current.CancellationToken);
        return await cli.RunAsync("experiment", _folder["table.yaml"], "--run", _folder["out"]);
    }
}
