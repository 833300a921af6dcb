using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using DiPaCo.Cli.Tests.Support;
using Xunit;

namespace DiPaCo.Cli.Tests;

/// <summary>The built program as a process, on text made here: what a new user does on the first evening.</summary>
public sealed class EndToEndTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task FromAnEmptyFolderToAReport()
    {
        SmallProject.WriteCorpus(_folder["corpus"]);
        ProgramResult init = await DipacoAsync("init", "-o", "mine.yaml", "--size", "tiny", "--data", "corpus");
        Assert.Equal((0, ""), (init.ExitCode, init.Error));
        // The starter names its data and size; the rest of this file makes the run a matter of seconds.
        File.WriteAllText(_folder["mine.yaml"], $"name: mine\nsize: tiny\ndata: {{ paths: [corpus] }}\n{SmallProject.Configuration}");

        using JsonDocument plan = await JsonAsync("plan", "mine.yaml", "--json");
        Assert.Equal(4, plan.RootElement.GetProperty("paths").GetArrayLength());

        ProgramResult trained = await DipacoAsync("train", "mine.yaml");
        Assert.Equal((0, ""), (trained.ExitCode, trained.Error));
        Assert.Contains("phase 2/2 done", trained.Standard, StringComparison.Ordinal);
        Assert.Contains("dipaco generate runs/mine --prompt 'This is'", trained.Standard, StringComparison.Ordinal);

        using JsonDocument status = await JsonAsync("status", "runs/mine", "--json");
        string digest = status.RootElement.GetProperty("modelDigest").GetString()!;
        Assert.Matches("^[0-9a-f]{64}$", digest);
        Assert.Equal("finished", status.RootElement.GetProperty("state").GetString());
        Assert.Contains(digest, trained.Standard, StringComparison.Ordinal);

        using JsonDocument verified = await JsonAsync("verify", "runs/mine", "--json");
        Assert.Equal((digest, true), (DigestOf(verified), verified.RootElement.GetProperty("isSound").GetBoolean()));

        using JsonDocument evaluated = await JsonAsync("eval", "runs/mine", "--json");
        Assert.Equal(digest, DigestOf(evaluated));
        Assert.Equal(Perplexities(status), Perplexities(evaluated));

        ProgramResult report = await DipacoAsync("report", "runs/mine");
        Assert.Equal((0, Path.Combine("runs/mine", "report.html")), (report.ExitCode, report.Standard.Trim()));
        Assert.Contains(digest, File.ReadAllText(_folder["runs/mine/report.html"]), StringComparison.Ordinal);
        Assert.True(File.Exists(_folder["runs/mine/plots/loss.png"]));
        AssertEveryModelHasItsCurve(File.ReadAllText(_folder["runs/mine/report.html"]));

        using JsonDocument again = await JsonAsync("train", "mine.yaml", "--json");
        Assert.Equal(digest, DigestOf(again.RootElement.GetProperty("results")));

        await ExportsAsync(digest);
        await LedgerAsync();

        // As a session leaves it that was killed just before the end: 'status' says how to go on, and that works without the file it began with.
        File.Delete(_folder["runs/mine/results.json"]);
        ProgramResult stopped = await DipacoAsync("status", "runs/mine");
        Assert.Contains("  dipaco train runs/mine/config.yaml --run runs/mine\n", stopped.Standard.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        using JsonDocument goneOn = await JsonAsync("train", "runs/mine/config.yaml", "--run", "runs/mine", "--json");
        Assert.Equal(digest, DigestOf(goneOn.RootElement.GetProperty("results")));

        File.AppendAllText(_folder["mine.yaml"], "seed: 2\n");
        ProgramResult changed = await DipacoAsync("train", "mine.yaml");
        Assert.Equal((1, ""), (changed.ExitCode, changed.Standard));
        Assert.Contains("seed: 1 in the run, 2 now", changed.Error, StringComparison.Ordinal);
    }

    /// <summary>Every step of the finished run is in its ledger once, and the documents behind a line add up to it.</summary>
    private async Task LedgerAsync()
    {
        using JsonDocument ledger = await JsonAsync("ledger", "runs/mine", "--json");
        JsonElement line = ledger.RootElement.GetProperty("phases")[1].GetProperty("paths")[3];
        using JsonDocument documents = await JsonAsync("ledger", "runs/mine", "--phase", "2", "--path", "3", "--documents", "--json");
        ProgramResult shown = await DipacoAsync("ledger", "runs/mine");
        ProgramResult refused = await DipacoAsync("ledger", "runs/mine", "--phase", "3");

        Assert.True(ledger.RootElement.GetProperty("isBalanced").GetBoolean());
        Assert.Equal(line.GetProperty("tokens").GetInt64(), documents.RootElement.GetProperty("documents").EnumerateArray().Sum(document => document.GetProperty("tokens").GetInt64()));
        Assert.Contains($"{ledger.RootElement.GetProperty("tokens").GetInt64():N0} tokens, each step exactly once.", shown.Standard, StringComparison.Ordinal);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("--phase is 3; 1 to 2 have ended.", refused.Error, StringComparison.Ordinal);
    }

    /// <summary>Paths and the whole model of the finished run, under the names that the program chooses; refusals leave nothing behind.</summary>
    private async Task ExportsAsync(string digest)
    {
        using JsonDocument exported = await JsonAsync("export", "runs/mine", "--path", "1", "--json");
        Assert.Equal((digest, "hf", "mine-path-1"), (
            DigestOf(exported), exported.RootElement.GetProperty("format").GetString(), exported.RootElement.GetProperty("output").GetString()));
        Assert.True(File.Exists(_folder["mine-path-1/model.safetensors"]));

        ProgramResult gguf = await DipacoAsync("export", "runs/mine", "--format", "gguf", "--type", "q8_0", "--path", "all");
        Assert.Equal((0, ""), (gguf.ExitCode, gguf.Error));
        Assert.Equal(["path-0.gguf", "path-1.gguf", "path-2.gguf", "path-3.gguf"], Directory.EnumerateFiles(_folder["mine-gguf"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        ProgramResult whole = await DipacoAsync("export", "runs/mine", "--format", "dipaco", "-o", "model");
        Assert.Equal((0, ""), (whole.ExitCode, whole.Error));
        ProgramResult again = await DipacoAsync("export", "model", "--path", "1", "-o", "again");
        Assert.Equal((0, ""), (again.ExitCode, again.Error));
        Assert.Equal(File.ReadAllBytes(_folder["mine-path-1/model.safetensors"]), File.ReadAllBytes(_folder["again/model.safetensors"]));

        string[] before = Directory.GetFileSystemEntries(_folder.Path);
        foreach ((string[] arguments, string message) in new (string[], string)[]
        {
            (["export", "runs/mine"], "4 paths. Say which to export: --path N, or --path all"),
            (["export", "runs/mine", "--path", "4"], "has no path 4, expected 0 to 3"),
            (["export", "runs/mine", "--path", "two"], "'two' is not a path"),
            (["export", "runs/mine", "--path", "1", "--type", "q8_0", "-o", "no"], "q8_0 is a type of GGUF files"),
            (["export", "runs/mine", "--path", "1"], "'mine-path-1' is there already"),
            (["export", "runs/mine", "--format", "dipaco", "--path", "1"], "exports the whole model"),
            (["export", "corpus", "--path", "1"], "neither a run nor an exported model"),
        })
        {
            ProgramResult refused = await DipacoAsync(arguments);
            Assert.Equal((1, ""), (refused.ExitCode, refused.Standard));
            Assert.Contains(message, refused.Error, StringComparison.Ordinal);
        }

        Assert.Equal(before, Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task AnInterruptedRunSaysHowToGoOnAndDoes()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs the command kill.");
        SmallProject.WriteCorpus(_folder["corpus"]);
        File.WriteAllText(_folder["long.yaml"], $"name: long\nsize: tiny\ndata: {{ paths: [corpus] }}\n{SmallProject.Configuration.Replace("phases: 2", "phases: 100000", StringComparison.Ordinal)}");
        using Process process = Programs.StartDipaco(_folder.Path, "train", "long.yaml");
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.Contains("phases:", StringComparison.Ordinal))
        {
            // Until training has begun.
        }

        // Ctrl-C's own signal is handled alike, but a test runner in the background has it ignored, and its children inherit that.
        await Programs.RunAsync("kill", _folder.Path, "-TERM", $"{process.Id}");
        ProgramResult stopped = await Programs.EndOfAsync(process);

        Assert.Equal(130, stopped.ExitCode);
        Assert.Contains("stopping after the work at hand", stopped.Standard, StringComparison.Ordinal);
        Assert.Equal("Stopped. Everything finished so far is kept in runs/long; go on with:\n  dipaco train long.yaml\n", stopped.Error);
        using JsonDocument status = await JsonAsync("status", "runs/long", "--json");
        Assert.Equal(("stopped", "phases"), (status.RootElement.GetProperty("state").GetString(), status.RootElement.GetProperty("stage").GetString()));
    }

    /// <summary>The report is all that is left to do then, and no task of the journal; the same command must still come to it.</summary>
    [Fact]
    public async Task ARunKilledBetweenItsResultsAndItsReportGetsTheReportByTheSameCommand()
    {
        SmallProject.WriteCorpus(_folder["corpus"]);
        File.WriteAllText(_folder["mine.yaml"], $"name: mine\nsize: tiny\ndata: {{ paths: [corpus] }}\n{SmallProject.Configuration}");
        string results = _folder["runs/mine/results.json"];
        string report = _folder["runs/mine/report.html"];
        for (int attempt = 1; attempt == 1 || File.Exists(report); attempt++)
        {
            // Drawing the report takes much longer than a look; should a process have made it all the same, the run finishes once more.
            Assert.True(attempt <= 10, "The report was there at once every time.");
            if (attempt > 1)
            {
                File.Delete(results);
                File.Delete(report);
            }

            using Process process = Programs.StartDipaco(_folder.Path, "train", "mine.yaml");
            using PeriodicTimer looks = new(TimeSpan.FromMilliseconds(1), TimeProvider.System);
            while (!File.Exists(results) && !process.HasExited)
            {
                await looks.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            }

            process.Kill();
            await Programs.EndOfAsync(process);
        }

        using JsonDocument status = await JsonAsync("status", "runs/mine", "--json");
        ProgramResult again = await DipacoAsync("train", "mine.yaml");

        Assert.Equal("finished", status.RootElement.GetProperty("state").GetString());
        Assert.Equal((0, ""), (again.ExitCode, again.Error));
        Assert.Contains(DigestOf(status), File.ReadAllText(report), StringComparison.Ordinal);
        Assert.True(File.Exists(_folder["runs/mine/plots/loss.png"]));
    }

    [Theory]
    [InlineData("folder", "folder has no file that can be read: it holds no files at all")]
    [InlineData("cut.jsonl.gz", "cut.jsonl.gz is a truncated or damaged gzip file")]
    [InlineData("latin1.txt", "latin1.txt is not UTF-8: byte 0xE9 at line 1")]
    [InlineData("binary.txt", "binary.txt is not text: ")]
    [InlineData("three.jsonl", "three.jsonl (1 file), has too few documents for all splits: 3 documents")]
    public async Task TextThatCannotBeTrainedOnIsNamedWithTheCauseAndNothingIsLeftBehind(string name, string mentioned)
    {
        WriteBadText(name, _folder[name]);

        ProgramResult refused = await DipacoAsync("train", "--demo", "--size", "tiny", "--data", name);

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(mentioned, refused.Error, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"(?m)^\s+at |Exception", refused.Error);
        Assert.Equal([_folder[name]], Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    private static void WriteBadText(string name, string path)
    {
        switch (name)
        {
            case "folder":
                Directory.CreateDirectory(path);
                break;
            case "cut.jsonl.gz":
                using (MemoryStream whole = new())
                {
                    using (GZipStream zip = new(whole, CompressionLevel.Optimal, leaveOpen: true))
                    {
                        zip.Write(Encoding.UTF8.GetBytes(Records(300)));
                    }

                    File.WriteAllBytes(path, whole.ToArray()[..^100]);
                }

                break;
            case "latin1.txt":
                File.WriteAllBytes(path, Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat("caf\u00e9 cr\u00e8me ", 5000))));
                break;
            case "binary.txt":
                File.WriteAllBytes(path, [.. "Plain text, then "u8, 0, 1, 2, 0xFF]);
                break;
            case "three.jsonl":
                File.WriteAllText(path, Records(3));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(name), name, "Not a kind of bad text.");
        }
    }

    /// <summary>Documents that are longer than the routing prefix, so that nothing but their number can be wrong with them.</summary>
    private static string Records(int count)
    {
        string text = string.Join(' ', Enumerable.Range(0, 500));
        return string.Concat(Enumerable.Range(0, count).Select(document => JsonSerializer.Serialize(new { text, url = $"document-{document}" }) + "\n"));
    }

    private Task<ProgramResult> DipacoAsync(params string[] arguments) => Programs.DipacoAsync(_folder.Path, arguments);

    private async Task<JsonDocument> JsonAsync(params string[] arguments)
    {
        ProgramResult result = await DipacoAsync(arguments);
        Assert.True(result.ExitCode == 0, result.Error);
        return JsonDocument.Parse(result.Standard);
    }

    /// <summary>Both baselines write into the same file of measurements.</summary>
    private static void AssertEveryModelHasItsCurve(string report)
    {
        string chart = report[report.IndexOf("<h2>Training loss</h2>", StringComparison.Ordinal)..report.IndexOf("<h2>Validation perplexity</h2>", StringComparison.Ordinal)];
        Assert.All(
            ["base model", "path 0", "path 3", "dense, equal steps", "dense, equal training FLOPs"],
            name => Assert.Contains(name, chart, StringComparison.Ordinal));
        Assert.Equal(7, chart.Split("<polyline").Length - 1);
    }

    private static string DigestOf(JsonDocument json) => DigestOf(json.RootElement);

    private static string DigestOf(JsonElement json) => json.GetProperty("modelDigest").GetString()!;

    private static double[] Perplexities(JsonDocument json) =>
        [.. json.RootElement.GetProperty("evaluation").EnumerateArray().Select(row => row.GetProperty("perplexity").GetDouble())];
}
