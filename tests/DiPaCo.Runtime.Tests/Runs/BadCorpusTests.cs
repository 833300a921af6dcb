using System.IO.Compression;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>Text that cannot be trained on is refused with a message that helps, and leaves no run behind.</summary>
public sealed class BadCorpusTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public Task ThreeDocuments_AreTooFew() => AssertRefusedAsync(
        "three.jsonl", file => File.WriteAllLines(file, SmallCorpus.Lines(3)), "three.jsonl are longer than the routing prefix of ");

    [Fact]
    public Task TwoBooks_AreTwoOriginals() => AssertRefusedAsync(
        "books", folder => WriteBooks(folder, 2), "Documents of one original stay in one split: records with the same url (up to a #), and all parts of one .txt file unless that file is the whole text.");

    [Fact]
    public async Task OneBook_IsSplitByItsPages()
    {
        string folder = _runs.File("books");
        WriteBooks(folder, 1);

        EventLog events = new();
        RunResults results = await _runs.TrainAsync("run", _runs.Config with { Data = _runs.Config.Data with { Paths = [folder] } }, events);

        RunNote note = Assert.Single(events.Of<RunNote>());
        Assert.StartsWith("The text is one single file, novel0.txt, and is divided every 16 KiB: what is held out stands beside what is trained on.", note.Text, StringComparison.Ordinal);
        Assert.InRange(results.Corpus.Documents, 170, 200);
        Assert.InRange(results.Corpus.TestDocuments, 4, 40);
        Assert.InRange(results.Corpus.ValidationDocuments, 4, 40);
    }

    [Fact]
    public async Task OriginFieldThatNoRecordHas_IsRefused_WithTheNearestField()
    {
        DataOptions data = _runs.Config.Data with { OriginField = "ulr" };

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", _runs.Config with { Data = data }));

        Assert.StartsWith("No record of the corpus has anything in the field 'ulr' (data.origin_field)", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'url'?", refusal.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_runs.File("run")));
    }

    [Fact]
    public async Task StatedOriginField_IsRequired_AlsoWhereItIsTheDefault()
    {
        File.WriteAllLines(_runs.Corpus, SmallCorpus.Lines(240).Select(line => line.Replace("\"url\"", "\"address\"", StringComparison.Ordinal)));
        string yaml = _runs.File(Path.Combine("input", "small.yaml"));
        string text = await File.ReadAllTextAsync(yaml, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(yaml, text.Replace("data:\n", "data:\n  origin_field: url\n", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        RunEngine engine = new(TimeProvider.System) { MeasuresMachine = false };

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() =>
            engine.TrainAsync(RunConfigLoader.Load(yaml), _runs.File("stated"), new SilentObserver(), CancellationToken.None));
        await _runs.TrainAsync("filled in");

        Assert.Contains("Its fields: address, source, text.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FolderNamedDemo_IsNotWhatDemoMeans_AndTheRunSaysSo()
    {
        Directory.CreateDirectory(_runs.File(Path.Combine("input", "demo")));
        EventLog events = new();

        await _runs.TrainUntilAsync(
            "run", (_, runEvent) => { events.Observe(runEvent); return runEvent is RunNote or StageFinished; },
            _runs.Config with { Data = _runs.Config.Data with { Paths = [DataOptions.Demo] } });

        RunNote note = Assert.Single(events.Of<RunNote>());
        Assert.Contains("is the .NET SDK's documentation, not '", note.Text, StringComparison.Ordinal);
        Assert.EndsWith("name it './demo'.", note.Text, StringComparison.Ordinal);
    }

    [Fact]
    public Task NoDocument_IsRefused() => AssertRefusedAsync("none.jsonl", file => File.WriteAllText(file, ""), "There is no document in ");

    [Fact]
    public Task EmptyFolder_IsRefused() => AssertRefusedAsync(
        "folder", file => Directory.CreateDirectory(file), "has no file that can be read: it holds no files at all. Readable: .txt, .jsonl");

    [Fact]
    public Task MissingPath_IsRefused() => AssertRefusedAsync("nowhere", _ => { }, "does not exist");

    [Fact]
    public Task TruncatedArchive_IsRefused() => AssertRefusedAsync(
        "cut.jsonl.gz",
        file =>
        {
            using MemoryStream whole = new();
            using (GZipStream zip = new(whole, CompressionLevel.Optimal, leaveOpen: true))
            {
                zip.Write(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', SmallCorpus.Lines(300))));
            }

            File.WriteAllBytes(file, whole.ToArray()[..^100]);
        },
        "cut.jsonl.gz is a truncated or damaged gzip file");

    [Fact]
    public Task BinaryFileNamedText_IsRefused() => AssertRefusedAsync(
        "binary.txt",
        file =>
        {
            RandomStream random = new(1, "binary");
            File.WriteAllBytes(file, [.. Enumerable.Range(0, 100_000).Select(_ => (byte)random.NextInt32(256))]);
        },
        "binary.txt is not text: ");

    [Fact]
    public Task TextThatIsNotUtf8_IsRefused() => AssertRefusedAsync(
        "latin1.txt", file => File.WriteAllBytes(file, System.Text.Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat("café crème ", 5000)))), "latin1.txt is not UTF-8: byte 0xE9 at line 1. Convert it");

    [Fact]
    public Task DocumentsWithoutAnythingBehindTheirPrefix_AreRefused() => AssertRefusedAsync(
        "stubs.jsonl",
        file => File.WriteAllLines(file, Enumerable.Range(0, 300).Select(i => $$"""{"text":"a b","url":"{{i}}"}""")),
        "prefix");

    [Fact]
    public Task FolderAsATokenizer_IsRefused() => AssertTokenizerRefusedAsync(_runs.File("input"), "is a folder. Expected a tokenizer.json");

    [Fact]
    public Task MissingTokenizer_IsRefused() => AssertTokenizerRefusedAsync(_runs.File("none.json"), "does not exist. Expected a tokenizer.json");

    [Fact]
    public Task TokenizerThatCannotBeRead_IsRefused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs a file that nobody can read, not even root.");
        return AssertTokenizerRefusedAsync("/proc/self/mem", "cannot be read: ");
    }

    [Fact]
    public async Task CorpusThatChangesWhileItIsRead_IsRefused()
    {
        bool changed = false;
        EventLog events = new()
        {
            Seen = (_, runEvent) =>
            {
                if (runEvent is StageFinished { Stage: Stage.Tokenizer } && !changed)
                {
                    changed = true;
                    File.AppendAllLines(_runs.Corpus, SmallCorpus.Lines(1, seed: 99));
                }
            },
        };

        DiPaCoException refusal = await Assert.ThrowsAnyAsync<DiPaCoException>(() => _runs.TrainAsync("run", observer: events));

        Assert.Contains("has changed since the run began", refusal.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_runs.File("run")));
    }

    private static void WriteBooks(string folder, int count)
    {
        Directory.CreateDirectory(folder);
        for (int book = 0; book < count; book++)
        {
            IEnumerable<string> paragraphs = SmallCorpus.Lines(3000, seed: book + 1)
                .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!);
            File.WriteAllText(Path.Combine(folder, $"novel{book}.txt"), string.Join("\n\n", paragraphs));
        }
    }

    private Task AssertRefusedAsync(string name, Action<string> write, string mentioned)
    {
        string path = _runs.File(name);
        write(path);
        return AssertRefusedAsync(_runs.Config with { Data = _runs.Config.Data with { Paths = [path] } }, mentioned);
    }

    private Task AssertTokenizerRefusedAsync(string file, string mentioned) =>
        AssertRefusedAsync(_runs.Config with { Tokenizer = new TokenizerOptions { File = file } }, $"'{file}' (tokenizer.file) {mentioned}");

    private async Task AssertRefusedAsync(RunConfig config, string mentioned)
    {
        DiPaCoException refusal = await Assert.ThrowsAnyAsync<DiPaCoException>(() => _runs.TrainAsync("run", config));
        Assert.Contains(mentioned, refusal.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_runs.File("run")), $"A run that never began left its folder: {refusal.Message}");

        // The folder that the user made stays, and can be used at once for the corrected command.
        Directory.CreateDirectory(_runs.File("made"));
        await Assert.ThrowsAnyAsync<DiPaCoException>(() => _runs.TrainAsync("made", config));
        Assert.True(Directory.Exists(_runs.File("made")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_runs.File("made")));
    }
}
