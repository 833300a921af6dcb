using System.Text.Json;
using DiPaCo.Cli.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;
using Xunit;

namespace DiPaCo.Cli.Tests;

public sealed class TrainCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task TrainingEndsWithTableTwoSamplesDigestAndTheNextCommand()
    {
        CommandLine cli = new();

        int code = await cli.RunAsync("train", "--demo", "--run", _folder["run"]);

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        Assert.Contains("dense, equal steps", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("61.82", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("path 0 continues a text of System.Net.Http", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("path 2 continues a text of System.Collections.Generic", cli.Standard, StringComparison.Ordinal);
        Assert.Contains(SampleRun.Digest, cli.Standard, StringComparison.Ordinal);
        Assert.Contains($"dipaco generate {_folder["run"]} --prompt", cli.Standard, StringComparison.Ordinal);
        Assert.True(File.Exists(_folder[Path.Combine("run", "report.html")]));
    }

    [Fact]
    public async Task TheDemoIsSmallAndNeedsNoFile()
    {
        CommandLine cli = new();

        await cli.RunAsync("train", "--demo", "--run", _folder["run"]);

        RunConfig config = cli.Engine.Config!.Config;
        Assert.Equal(("demo", ModelSize.Small), (config.Name, config.Size));
        Assert.Equal(["demo"], config.Data.Paths);
    }

    [Fact]
    public async Task TheDemosOfTwoSizesAreTwoRuns()
    {
        CommandLine cli = new();

        await cli.RunAsync("train", "--demo", "--size", "tiny", "--run", _folder["run"]);

        RunConfig config = cli.Engine.Config!.Config;
        Assert.Equal(("demo-tiny", ModelSize.Tiny), (config.Name, config.Size));
    }

    [Theory]
    [InlineData("demo-mytext", "mytext")]
    [InlineData("demo-my-text-more", "some/my text/", "more")]
    [InlineData("demo-json.gz", "c4/*.json.gz")]
    [InlineData("demo-text", "テキスト")]
    [InlineData("demo-text", ".")]
    public async Task TheDemoOnOnesOwnTextIsARunOfItsOwn(string name, params string[] paths)
    {
        CommandLine cli = new();

        int code = await cli.RunAsync(["train", "--demo", "--run", _folder["run"], .. paths.SelectMany(path => (string[])["--data", path])]);

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        RunConfig config = cli.Engine.Config!.Config;
        Assert.Equal(name, config.Name);
        Assert.Equal(paths, config.Data.Paths);
    }

    [Fact]
    public async Task TheFileMayStandBehindTheText()
    {
        File.WriteAllText(_folder["mine.yaml"], "size: tiny\ndata: { paths: [corpus] }\n");
        CommandLine cli = new();

        int code = await cli.RunAsync("train", "--run", _folder["run"], "--data", _folder["other"], _folder["mine.yaml"]);

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        Assert.Equal(("mine", "other"), (cli.Engine.Config!.Config.Name, Assert.Single(cli.Engine.Config.Config.Data.Paths)));
    }

    [Fact]
    public async Task SizeAndDataTakeThePlaceOfTheFiles()
    {
        File.WriteAllText(_folder["mine.yaml"], "size: medium\ndata:\n  paths: [corpus]\n  text_field: body\n");
        CommandLine cli = new();

        int code = await cli.RunAsync("train", _folder["mine.yaml"], "--size", "tiny", "--data", _folder["other"], "--run", _folder["run"]);

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        RunConfig config = cli.Engine.Config!.Config;
        Assert.Equal(("mine", ModelSize.Tiny, "body"), (config.Name, config.Size, config.Data.TextField));
        Assert.Equal(["other"], config.Data.Paths);
    }

    [Fact]
    public async Task JsonLeavesStandardOutputToTheObject()
    {
        CommandLine cli = new() { Engine = new FakeEngine { Train = Play } };

        int code = await cli.RunAsync("train", "--demo", "--run", _folder["run"], "--json");

        Assert.Equal(ExitCodes.Success, code);
        using JsonDocument json = JsonDocument.Parse(cli.Standard);
        Assert.Equal(SampleRun.Digest, json.RootElement.GetProperty("results").GetProperty("modelDigest").GetString());
        Assert.Equal(_folder["run"], json.RootElement.GetProperty("run").GetString());
        Assert.Contains("phase 3/3 done", cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStopSaysHowToGoOn(bool interactive)
    {
        using CancellationTokenSource stop = new();
        TaskCompletionSource training = new();
        CommandLine cli = new()
        {
            Interactive = interactive,
            Engine = new FakeEngine
            {
                Train = async (_, _, _, cancellation) =>
                {
                    training.SetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
                    return SampleRun.Results();
                },
            },
        };

        Task<int> running = cli.RunAsync(stop.Token, "train", "--demo", "--run", _folder["my run"]);
        await training.Task;
        await stop.CancelAsync();

        Assert.Equal(ExitCodes.Interrupted, await running);
        Assert.Contains($"Everything finished so far is kept in {_folder["my run"]}", cli.Error, StringComparison.Ordinal);
        Assert.Contains($"dipaco train --demo --run '{_folder["my run"]}'", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMistakeOfTheUserHasAMessageAndNoStackTrace()
    {
        CommandLine cli = new() { Engine = new FakeEngine { Train = (_, _, _, _) => throw new DiPaCoException("No text in 'empty'. Name a folder with .txt files.") } };

        int code = await cli.RunAsync("train", "--demo", "--run", _folder["run"]);

        Assert.Equal(ExitCodes.UserError, code);
        Assert.Equal("error: No text in 'empty'. Name a folder with .txt files.\n", cli.Error.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task ABugIsCalledABugAndKeepsItsStackTrace()
    {
        CommandLine cli = new() { Engine = new FakeEngine { Train = (_, _, _, _) => throw new InvalidOperationException("level 3 is missing") } };

        int code = await cli.RunAsync("train", "--demo", "--run", _folder["run"]);

        Assert.Equal(ExitCodes.Bug, code);
        Assert.Contains("level 3 is missing", cli.Error, StringComparison.Ordinal);
        Assert.Contains("This is a bug in dipaco.", cli.Error, StringComparison.Ordinal);
        Assert.Contains(nameof(ABugIsCalledABugAndKeepsItsStackTrace), cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMissingFileSaysHowToMakeOne()
    {
        CommandLine cli = new();

        int code = await cli.RunAsync("train", _folder["nothing.yaml"]);

        Assert.Equal(ExitCodes.UserError, code);
        Assert.Contains("'dipaco init' writes one", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatCorpusAndModelWriteCannotSteerTheTerminal()
    {
        RunResults hostile = SampleRun.Results() with { Samples = [new TextSample(new PathId(0), "[red]x[/]\u001b[2J", "a\u001b]0;owned\u0007", "b [/] c")] };
        CommandLine cli = new() { Engine = new FakeEngine { Train = (_, _, _, _) => Task.FromResult(hostile) } };

        int code = await cli.RunAsync("train", "--demo", "--run", _folder["run"]);

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        Assert.DoesNotContain('\u001b', cli.Standard);
        Assert.Contains("[red]x[/]", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("b [/] c", cli.Standard, StringComparison.Ordinal);
    }

    private static Task<RunResults> Play(LoadedConfig config, string folder, IRunObserver observer, CancellationToken cancellation)
    {
        foreach (RunEvent runEvent in SampleRun.Events())
        {
            observer.Observe(runEvent);
        }

        return Task.FromResult(SampleRun.Results());
    }
}
