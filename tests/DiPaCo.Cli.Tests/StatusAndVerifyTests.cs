using System.Text.Json;
using DiPaCo.Cli.Output;
using DiPaCo.Cli.Tests.Support;
using DiPaCo.Runtime;
using Xunit;

namespace DiPaCo.Cli.Tests;

public sealed class StatusAndVerifyTests
{
    [Fact]
    public async Task StatusShowsHowFarAStoppedRunIsAndItsDigest()
    {
        CommandLine cli = new();

        int code = await cli.RunAsync("status", "runs/mine");

        Assert.Equal((ExitCodes.Success, "", "runs/mine"), (code, cli.Error, cli.Engine.Folder));
        Assert.Contains("stopped; go on with the command below", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("\n  dipaco train runs/mine/config.yaml --run runs/mine\n", cli.Standard.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("5 of 8", cli.Standard, StringComparison.Ordinal);
        Assert.Contains(SampleRun.Digest, cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunWithoutTokensStillNeedsTheFileThatItBeganWith()
    {
        CommandLine cli = new() { Engine = new FakeEngine { Status = SampleRun.Status() with { Stage = Stage.Tokenizer } } };

        await cli.RunAsync("status", "runs/mine");

        Assert.Contains("stopped; its 'dipaco train' command goes on", cli.Standard, StringComparison.Ordinal);
        Assert.DoesNotContain("config.yaml", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StatusOfAFinishedRunHasTheTable()
    {
        CommandLine cli = new() { Engine = new FakeEngine { Status = SampleRun.Status() with { State = RunState.Finished, Stage = null, Evaluation = SampleRun.Results().Evaluation } } };

        await cli.RunAsync("status", "runs/mine");

        Assert.Contains("finished", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("61.82", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StatusNamesAReportThatIsThereOnly()
    {
        using TemporaryFolder folder = new();
        CommandLine cli = new() { Engine = new FakeEngine { Status = SampleRun.Status() with { State = RunState.Finished, Stage = null, Evaluation = SampleRun.Results().Evaluation } } };

        await cli.RunAsync("status", folder[""]);
        Assert.DoesNotContain("report", cli.Standard, StringComparison.Ordinal);
        await File.WriteAllTextAsync(folder["report.html"], "", TestContext.Current.CancellationToken);
        await cli.RunAsync("status", folder[""]);
        Assert.Contains("report:", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OnePathIsNotManyPaths()
    {
        RunStatus status = SampleRun.Status();
        CommandLine cli = new() { Engine = new FakeEngine { Status = status with { Model = status.Model! with { Paths = 1, Modules = 1 } } } };

        await cli.RunAsync("status", "runs/mine");

        Assert.Contains("1 path of ", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("1 module, ", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StatusAsJsonHasTheKeysThatScriptsRead()
    {
        CommandLine cli = new();

        await cli.RunAsync("status", "runs/mine", "--json");

        using JsonDocument json = JsonDocument.Parse(cli.Standard);
        Assert.Equal(
            ["name", "state", "stage", "phasesDone", "phases", "modelDigest", "model", "validation", "evaluation"],
            json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(SampleRun.Digest, json.RootElement.GetProperty("modelDigest").GetString());
        Assert.Equal("stopped", json.RootElement.GetProperty("state").GetString());
        Assert.Equal(5, json.RootElement.GetProperty("phasesDone").GetInt32());
    }

    [Fact]
    public async Task ARunWithoutModelHasNoDigestYet()
    {
        CommandLine cli = new() { Engine = new FakeEngine { Status = SampleRun.Status() with { ModelDigest = null, Model = null, Validation = [], PhasesDone = 0 } } };

        await cli.RunAsync("status", "runs/mine", "--json");

        using JsonDocument json = JsonDocument.Parse(cli.Standard);
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("modelDigest").ValueKind);
    }

    [Fact]
    public async Task ASoundRunIsCalledSound()
    {
        CommandLine cli = new();

        int code = await cli.RunAsync("verify", "runs/mine");

        Assert.Equal((ExitCodes.Success, false), (code, cli.Engine.Repair));
        Assert.Contains("✓ sound: 120 blobs, 34.0 MB re-hashed", cli.Standard, StringComparison.Ordinal);
        Assert.Contains($"model digest {SampleRun.Digest}", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DamageHasAnExitCodeOfItsOwnAndARemedy()
    {
        CommandLine cli = new() { Engine = Damaged(repaired: false) };

        int code = await cli.RunAsync("verify", "runs/mine");

        Assert.Equal(ExitCodes.Damaged, code);
        Assert.Contains("2 damaged of 120 blobs", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("blob 00ff: its bytes hash to 11ee", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("  dipaco verify runs/mine --repair\n", cli.Standard.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheRemedyCanBePasted()
    {
        string folder = $"runs/my run of {new string('x', 200)}";
        CommandLine cli = new() { Engine = Damaged(repaired: false), Program = "./dipaco" };

        await cli.RunAsync("verify", folder);

        Assert.Contains($"\n  ./dipaco verify {Shell.Quote(folder)} --repair\n", cli.Standard.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RepairedDamageIsSuccess()
    {
        CommandLine cli = new() { Engine = Damaged(repaired: true) };

        int code = await cli.RunAsync("verify", "runs/mine", "--repair");

        Assert.Equal((ExitCodes.Success, true), (code, cli.Engine.Repair));
        Assert.Contains("(set aside)", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("'dipaco train' command makes these parts anew", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DamageBeyondRepairNamesNoCommandThatWouldNotHelp()
    {
        CommandLine cli = new() { Engine = Damaged(repaired: false, repairable: false) };

        int code = await cli.RunAsync("verify", "runs/mine", "--repair");

        Assert.Equal(ExitCodes.Damaged, code);
        Assert.Contains("This cannot be repaired", cli.Standard, StringComparison.Ordinal);
        Assert.DoesNotContain("--repair", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task VerifyAsJsonHasDigestAndDamage()
    {
        CommandLine cli = new() { Engine = Damaged(repaired: false) };

        int code = await cli.RunAsync("verify", "runs/mine", "--json");

        using JsonDocument json = JsonDocument.Parse(cli.Standard);
        Assert.Equal(ExitCodes.Damaged, code);
        Assert.Equal(["modelDigest", "blobs", "bytes", "damaged", "isSound"], json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(2, json.RootElement.GetProperty("damaged").GetArrayLength());
    }

    [Theory]
    [InlineData("status")]
    [InlineData("verify")]
    [InlineData("eval")]
    [InlineData("report")]
    public async Task AFolderThatIsNoRunIsRefused(string verb)
    {
        using TemporaryFolder folder = new();
        CommandLine cli = new() { UsesRuntime = true };

        int code = await cli.RunAsync(verb, folder["nothing"]);

        Assert.Equal((ExitCodes.UserError, ""), (code, cli.Standard));
        Assert.StartsWith("error: '", cli.Error, StringComparison.Ordinal);
        Assert.Contains(folder["nothing"], cli.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["nothing"]));
    }

    private static FakeEngine Damaged(bool repaired, bool repairable = true) => new()
    {
        Verify = new VerifyResult
        {
            ModelDigest = SampleRun.Digest,
            Blobs = 120,
            Bytes = 34_000_000,
            Damaged = [new Damage("blob 00ff", "its bytes hash to 11ee", repaired) { Repairable = repairable }, new Damage("blob 22dd", "it is missing", repaired)],
        },
    };
}
