using DiPaCo.Cli.Output;
using DiPaCo.Cli.Progress;
using DiPaCo.Cli.Tests.Support;
using DiPaCo.Runtime;
using Xunit;

namespace DiPaCo.Cli.Tests;

public sealed class ProgressTests
{
    [Fact]
    public async Task APipeGetsOneLineAnEventWithoutColors()
    {
        using StringWriter written = new();

        await new PlainDisplay(written, new ManualClock()).ShowAsync(Play, TestContext.Current.CancellationToken);

        Assert.Equal(
            """
            [0:00:00] machine: 2 cores (AVX-512, AMX), device cpu, 2 threads, 1.30 TFLOP/s in bf16
            [0:00:00] tokenizer: 9,214 documents
            [0:00:00] warning: 3 of 9,217 lines could not be read: docs.jsonl line 17: not JSON
            [0:00:00] tokenizer: done in 12 s, 8,192 entries, 4.2 bytes per token
            [0:00:00] phases: 24 steps
            [0:00:00] phase 1/3 done: loss=4.900 validation_perplexity=130.00 sequences=64 tokens=32768 lost_steps=0 duplicated_steps=0
            [0:00:00] phase 2/3 done: loss=4.700 validation_perplexity=110.00 sequences=64 tokens=32768 lost_steps=0 duplicated_steps=0
            [0:00:00] phase 3/3 done: loss=4.500 validation_perplexity=90.00 sequences=64 tokens=32768 lost_steps=0 duplicated_steps=0
            [0:00:00] phases: done in 1 min 35 s, 3 phases on 4 paths, loss 4.5

            """,
            written.ToString(),
            ignoreLineEndingDifferences: true);
    }

    [Fact]
    public async Task APipeHearsOfALongStageEveryFewSeconds()
    {
        using StringWriter written = new();
        ManualClock clock = new();

        await new PlainDisplay(written, clock).ShowAsync(
            observer =>
            {
                observer.Observe(new MachineFound(SampleRun.Machine));
                observer.Observe(new StageStarted(Stage.Base, 100, "steps"));
                for (int step = 1; step <= 100; step++)
                {
                    clock.Pass(TimeSpan.FromSeconds(0.1));
                    observer.Observe(new StepMade(Stage.Base, null, null, step, 5, 1e-3, 0.8, 4096, 6.5e10, TimeSpan.FromSeconds(0.1), TimeSpan.Zero));
                    observer.Observe(new StageAdvanced(Stage.Base, step, Reused: false));
                }

                return Task.FromResult(0);
            },
            TestContext.Current.CancellationToken);

        string[] lines = written.ToString().ReplaceLineEndings("\n").TrimEnd().Split('\n');
        Assert.Equal("[0:00:05] base: 49% step=50 loss=5.000 tokens_per_s=40960 matrix_rate=50% left=5s", lines[2]);
        Assert.Equal(4, lines.Length);
    }

    [Fact]
    public async Task ATerminalKeepsFinishedStagesAndPhases()
    {
        CommandLine cli = new()
        {
            Interactive = true,
            Engine = new FakeEngine { Train = async (_, _, observer, _) => { await Play(observer); return SampleRun.Results(); } },
        };
        using TemporaryFolder folder = new();

        int code = await cli.RunAsync("train", "--demo", "--run", folder["run"]);

        Assert.Equal(ExitCodes.Success, code);
        Assert.Contains("✓", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("phase 2/3", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("▼ 15.4 %", cli.Standard, StringComparison.Ordinal);
        Assert.Contains("\u001b[", cli.Standard, StringComparison.Ordinal);
        Assert.DoesNotContain("validation_perplexity=", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public void WorkOfAnEarlierSessionDoesNotMakeTheRestLookFast()
    {
        ManualClock clock = new();
        RunProgress progress = new(clock);

        progress.Apply(new StageStarted(Stage.Phases, 100, "steps"));
        progress.Apply(new StageAdvanced(Stage.Phases, 80, Reused: true));
        Assert.Equal((0.8, null), (progress.Share, progress.Remaining));
        clock.Pass(TimeSpan.FromSeconds(10));
        progress.Apply(new StageAdvanced(Stage.Phases, 90, Reused: false));

        Assert.Equal(TimeSpan.FromSeconds(10), progress.Remaining);
    }

    [Fact]
    public void WhatIsLeftOfTheRunIsItsTrainingAtThePaceOfTheLastSteps()
    {
        ManualClock clock = new();
        RunProgress progress = new(clock);
        progress.Apply(new StepsPlanned(Base: 20, Paths: 100, Dense: 30));
        progress.Apply(new StageStarted(Stage.Base, 20, "steps"));
        Assert.Null(progress.RunRemaining);
        clock.Pass(TimeSpan.FromSeconds(10));
        Step(Stage.Base, 5);
        Assert.Equal((TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30 + (2 * 130))), (progress.Remaining, progress.RunRemaining));

        // Between stages of training the pace is still that of the steps before.
        progress.Apply(new StageFinished(Stage.Base, TimeSpan.FromSeconds(10), ""));
        progress.Apply(new StageStarted(Stage.Features, 0, "documents"));
        Assert.Equal((null, TimeSpan.FromSeconds(2 * 130)), (progress.Remaining, progress.RunRemaining));

        // Paths that several workers train at the same time make their own pace.
        progress.Apply(new StageFinished(Stage.Features, TimeSpan.Zero, ""));
        progress.Apply(new StageStarted(Stage.Phases, 100, "steps"));
        clock.Pass(TimeSpan.FromSeconds(10));
        Step(Stage.Phases, 50);
        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10 + (0.2 * 30))), (progress.Remaining, progress.RunRemaining));
        Assert.EndsWith(" left=10s run_left=16s", PlainLine.Of(progress), StringComparison.Ordinal);

        // Nothing is trained after the dense baselines: what is left of them is all.
        progress.Apply(new StageStarted(Stage.Dense, 30, "steps"));
        clock.Pass(TimeSpan.FromSeconds(10));
        Step(Stage.Dense, 10);
        Assert.Equal((TimeSpan.FromSeconds(20), null), (progress.Remaining, progress.RunRemaining));

        void Step(Stage stage, long done)
        {
            progress.Apply(new StepMade(stage, null, null, (int)done, 5, 1e-3, 0.8, 4096, 3.5e10, TimeSpan.FromSeconds(0.05), TimeSpan.Zero));
            progress.Apply(new StageAdvanced(stage, done, Reused: false));
        }
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(508, "508")]
    [InlineData(1_412_096, "1.41 M")]
    [InlineData(21_000_000, "21.0 M")]
    [InlineData(999_600, "1.00 M")]
    [InlineData(756_400, "756 k")]
    public void NumbersHaveThreeDigitsAndAMagnitude(double value, string expected) => Assert.Equal(expected, Units.Short(value));

    [Theory]
    [InlineData(0.44, "0.4 s")]
    [InlineData(41, "41 s")]
    [InlineData(192, "3 min 12 s")]
    [InlineData(7500, "2 h 5 min")]
    [InlineData(356_400, "4 d 3 h")]
    [InlineData(100.0 * 365 * 86400, "100 years")]
    public void DurationsHaveTheirTwoLeadingUnits(double seconds, string expected) =>
        Assert.Equal(expected, Units.Duration(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("runs/demo", "runs/demo")]
    [InlineData("my run", "'my run'")]
    [InlineData("it's", "'it'\\''s'")]
    [InlineData("$(rm)", "'$(rm)'")]
    [InlineData("", "''")]
    public void CommandsCanBePastedIntoAShell(string argument, string expected) => Assert.Equal(expected, Shell.Quote(argument, windows: false));

    [Theory]
    [InlineData(@"C:\src\dipaco.cmd", @"C:\src\dipaco.cmd")]
    [InlineData(@"C:\My Files\dipaco.cmd", "\"C:\\My Files\\dipaco.cmd\"")]
    [InlineData(@"C:\My Files\", "\"C:\\My Files\\\\\"")]
    [InlineData("100%", "\"100%\"")]
    [InlineData("", "\"\"")]
    public void CommandsCanBePastedIntoTheShellsOfWindows(string argument, string expected) => Assert.Equal(expected, Shell.Quote(argument, windows: true));

    private static Task<int> Play(IRunObserver observer)
    {
        foreach (RunEvent runEvent in SampleRun.Events())
        {
            observer.Observe(runEvent);
        }

        return Task.FromResult(0);
    }
}
