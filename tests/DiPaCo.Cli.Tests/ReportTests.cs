using System.Buffers.Binary;
using System.Text.RegularExpressions;
using DiPaCo.Cli.Report;
using DiPaCo.Cli.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Experiments;
using Xunit;

namespace DiPaCo.Cli.Tests;

public sealed partial class ReportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ReportIsMadeAgainFromTheRunsFolder()
    {
        SampleRun.WriteTo(_folder["run"], SampleRun.Results());
        CommandLine cli = new();

        int code = await cli.RunAsync("report", _folder["run"]);

        string report = _folder[Path.Combine("run", "report.html")];
        Assert.Equal((ExitCodes.Success, "", report), (code, cli.Error, cli.Standard.Trim()));
        string html = File.ReadAllText(report);
        Assert.Contains(SampleRun.Digest, html, StringComparison.Ordinal);
        Assert.Contains("30 % lower", html, StringComparison.Ordinal);
        Assert.Contains("<dt>router entropy</dt><dd>1.86 bits</dd>", html, StringComparison.Ordinal);
        Assert.Contains("<dt>of an even spread over the paths</dt><dd>93 %</dd>", html, StringComparison.Ordinal);
        Assert.Contains("<dt>documents on their best path in hindsight</dt><dd>61 %</dd>", html, StringComparison.Ordinal);
        Assert.All(
            ["Held-out perplexity", "Training loss", "Validation perplexity", "Shards", "Samples", "Where the text went", "Outer gradients", "Drift of the experts", "Time", "Agreement of the paths", "Corpus", "Configuration"],
            section => Assert.Contains($"<h2>{section}</h2>", html, StringComparison.Ordinal));
    }

    [Fact]
    public void TheRoutersEntropyAndAgreement_ArePictures_WithTheMarkOfChance()
    {
        RunResults sample = SampleRun.Results();
        string html = EvaluationSection.Build(new ReportData(sample, [])).ToString();

        // 400 pixels are all: 93 % of them, 61 %, and a quarter for four paths.
        Assert.Contains("width='372' height='16'><title>router entropy, of an even spread: 93 %</title>", html, StringComparison.Ordinal);
        Assert.Contains("width='244' height='16'><title>documents on their best path in hindsight: 61 %</title>", html, StringComparison.Ordinal);
        Assert.Contains("<line class='mark' x1='400' x2='400'", html, StringComparison.Ordinal);
        Assert.DoesNotContain("best path in hindsight", EvaluationSection.Build(new ReportData(sample with { Router = sample.Router! with { OracleAgreement = null } }, [])).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("<svg", EvaluationSection.Build(new ReportData(SampleRun.Results(1), [])).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void RoutingHasItsOwnColumnOfFlops_InEveryTable()
    {
        RunResults sample = SampleRun.Results();
        RunResults results = sample with { Evaluation = [sample.Evaluation[0] with { RoutingFlops = 5.6e12 }, .. sample.Evaluation.Skip(1)] };
        ExperimentResults experiment = new("table", [new RowResults("grid", [RowRun.Of(1, "run", results), RowRun.Of(2, "run", results)])]);

        string html = EvaluationSection.Build(new ReportData(results, [])).ToString();
        string markdown = ExperimentMarkdown.Of(experiment);

        Assert.Contains("<th>training FLOPs</th><th>routing FLOPs</th>", html, StringComparison.Ordinal);
        Assert.Contains("<td>72.0 T</td><td>5.60 T</td>", html, StringComparison.Ordinal);
        Assert.Contains("| training FLOPs | routing FLOPs |", markdown, StringComparison.Ordinal);
        Assert.Contains("| 72.0 T | 5.60 T |", markdown, StringComparison.Ordinal);
        Assert.All(markdown.Split('\n').Where(line => line.StartsWith("| grid | DiPaCo", StringComparison.Ordinal)), line => Assert.Equal(13, line.Count(c => c == '|')));
        Assert.Contains("the same documents for all rows and seeds", markdown, StringComparison.Ordinal);
        Assert.Contains("\"routingFlops\": 5600000000000", System.Text.Json.JsonSerializer.Serialize(experiment, RunJson.Indented), StringComparison.Ordinal);
    }

    [Fact]
    public void NothingInTheReportIsLoadedFromElsewhere()
    {
        string html = HtmlReport.Build(new ReportData(SampleRun.Results(), [.. SampleRun.Metrics()]));

        Assert.DoesNotMatch(@"(?i)<script|<link|<img|<iframe|@import|url\((?!#)|https?://|\bon\w+\s*=", html);
        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
    }

    [Fact]
    public void TextOfCorpusConfigurationAndModelCannotBecomeMarkup()
    {
        const string Attack = "<script>alert('x')</script>\"'&<img src=x onerror=alert(1)>\u001b[2J";
        RunResults sample = SampleRun.Results();
        RunResults hostile = sample with
        {
            Name = Attack,
            ConfigurationYaml = Attack,
            Samples = [new TextSample(new PathId(0), Attack, Attack, Attack)],
            Shards = [sample.Shards[0] with { Sources = [new SourceCount(Attack, 3)] }],
            Evaluation = [.. sample.Evaluation.Select(row => row with { Model = Attack })],
            Machine = SampleRun.Machine with { Simd = Attack, Device = Attack },
            Topics = [.. Enumerable.Range(0, 2).Select(path => new ShardTopics(new PathId(path), [new SourceCount(Attack, 3), new SourceCount("b", 1)], [new Topic(Attack, 1, 1)]))],
            OuterGradients = [.. Enumerable.Range(0, 2).Select(phase => new OuterGradient(new ModuleId("m"), new Phase(phase), 1, 1, 1, null))],
        };

        string html = HtmlReport.Build(new ReportData(hostile, [.. SampleRun.Metrics()]));

        Assert.DoesNotMatch("(?i)<script|<img", html);
        Assert.DoesNotContain('\u001b', html);
        Assert.True(Regex.Count(html, "&lt;script&gt;") >= 7, "Every place shows the text itself.");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(16)]
    public void PlotsAreRealPngFiles(int paths)
    {
        ReportData data = new(SampleRun.Results(paths), [.. SampleRun.Metrics(paths)]);

        (string Name, byte[] Png)[] plots = [.. ReportPlots.Draw(data)];

        Assert.Equal(["loss.png", "validation.png", "shards.png", "perplexity.png"], plots.Select(plot => plot.Name));
        Assert.All(plots, plot =>
        {
            Assert.Equal("89504E470D0A1A0A0000000D49484452", Convert.ToHexString(plot.Png.AsSpan(0, 16)));
            Assert.Equal((1200, 640), (BinaryPrimitives.ReadInt32BigEndian(plot.Png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(plot.Png.AsSpan(20))));
            Assert.Equal("49454E44AE426082", Convert.ToHexString(plot.Png.AsSpan(^8)));
            Assert.True(plot.Png.Length > 5_000, "More than an empty canvas.");
        });
    }

    [Fact]
    public void AReportOfAlmostNothingIsStillAPage()
    {
        RunResults bare = SampleRun.Results() with { Shards = [], Evaluation = [], Validation = [], OuterGradients = [], Samples = [], Timings = [], Machine = null };

        string html = HtmlReport.Build(new ReportData(bare, []));

        Assert.Contains("Nothing was measured.", html, StringComparison.Ordinal);
        Assert.EndsWith("</html>\n", html, StringComparison.Ordinal);
        Assert.Empty(ReportPlots.Draw(new ReportData(bare, [])));
    }

    [Fact]
    public void TheHeadlineComparesWithTheDenseModelAtEqualStepsAndWithNoOther()
    {
        RunResults sample = SampleRun.Results();
        EvaluationRow equalSteps = sample.Evaluation[1];
        RunResults others = sample with
        {
            Evaluation = [sample.Evaluation[0], equalSteps with { Kind = ModelKind.DenseBase }, sample.Evaluation[2]],
        };
        RunResults last = sample with { Evaluation = [sample.Evaluation[2], sample.Evaluation[0], equalSteps] };

        string without = HeadlineSection.Build(new ReportData(others, [])).ToString();
        string with = HeadlineSection.Build(new ReportData(last, [])).ToString();

        Assert.Contains("61.82", without, StringComparison.Ordinal);
        Assert.DoesNotMatch("lower than|higher than|dense", without);
        Assert.Contains("30 % lower than 88.41 of the dense model of one path’s size after as many steps", with, StringComparison.Ordinal);
        Assert.Matches("<dt>dense perplexity</dt><dd>88.41</dd>", with);
    }

    [Fact]
    public void EveryBaselineHasItsOwnCurve_FromTheForkOrFromTheStart()
    {
        RunResults sample = SampleRun.Results();
        RunResults results = sample with
        {
            // 200 base steps, then 400 of its own; and 500 from scratch.
            Evaluation = [sample.Evaluation[0], sample.Evaluation[1] with { Steps = 600 }, sample.Evaluation[2] with { Steps = 500 }],
        };
        StepMetric[] steps =
        [
            .. SampleRun.Metrics(),
            .. Enumerable.Range(1, 500).Select(step => SampleRun.Metrics().Last() with { Baseline = ModelKind.DenseEqualFlops, Step = step, Loss = 1 }),
        ];

        Series[] dense = [.. LossCurves.Of(new ReportData(results, steps)).Where(curve => curve.Name.StartsWith("dense", StringComparison.Ordinal))];

        Assert.Equal(["dense, equal steps", "dense, equal FLOPs"], dense.Select(curve => curve.Name));
        Assert.InRange(dense[0].Points[0].X, 200, 212);
        Assert.InRange(dense[0].Points[^1].X, 588, 600);
        Assert.InRange(dense[1].Points[0].X, 0, 12);
        Assert.InRange(dense[1].Points[^1].X, 488, 500);
    }

    [Fact]
    public void TheLastBatchAloneIsNoEndOfACurve()
    {
        StepMetric[] steps = [.. Enumerable.Range(1, 200).Select(step => SampleRun.Metrics().First() with { Step = step, Loss = step == 200 ? 9 : 3 })];

        Series curve = LossCurves.Of(new ReportData(SampleRun.Results(), steps)).Single();

        Assert.InRange(curve.Points[^1].Y, 3, 5);
    }

    [Fact]
    public void LossesThatAreNotNumbersBreakNoCurve()
    {
        StepMetric[] steps = [.. SampleRun.Metrics().Select((step, i) => i % 7 == 0 ? step with { Loss = double.NaN } : step)];

        string html = HtmlReport.Build(new ReportData(SampleRun.Results(), steps));

        Assert.DoesNotContain("NaN", html, StringComparison.Ordinal);
        Assert.DoesNotContain("∞", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABrowserShowsTheReport()
    {
        string? browser = Programs.Find("chromium", "chromium-browser", "google-chrome");
        Assert.SkipWhen(browser is null, "Needs Chromium (apt-get install chromium).");
        SampleRun.WriteTo(_folder["run"], SampleRun.Results());
        await new CommandLine().RunAsync("report", _folder["run"]);
        string report = new Uri(_folder[Path.Combine("run", "report.html")]).AbsoluteUri;

        ProgramResult shown = await Programs.RunAsync(
            browser, _folder.Path, "--headless", "--no-sandbox", "--disable-gpu", $"--user-data-dir={_folder["profile"]}", "--dump-dom", report);

        Assert.Equal(0, shown.ExitCode);
        Assert.Contains("<h1>demo</h1>", shown.Standard, StringComparison.Ordinal);
        Assert.InRange(CurvesDrawn().Count(shown.Standard), 6, 100);
        Assert.Equal(CurvesDrawn().Count(await File.ReadAllTextAsync(_folder[Path.Combine("run", "report.html")], TestContext.Current.CancellationToken)), CurvesDrawn().Count(shown.Standard));
        Assert.DoesNotContain("Refused to", shown.Error, StringComparison.Ordinal);
    }

    // The base model, four paths, the dense model, and those of other charts.
    [GeneratedRegex("<polyline class=[\"']c\\d")]
    private static partial Regex CurvesDrawn();
}
