using System.Text;
using DiPaCo.Core;
using Parquet;
using Parquet.Schema;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class BadInputTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task MissingPath_IsNamed() =>
        Assert.StartsWith("The corpus path /no/such/place does not exist", await FailureAsync("/no/such/place"));

    [Fact]
    public async Task EmptyFolder_SaysWhatCouldBeRead()
    {
        string message = await FailureAsync(_folder.Root);

        Assert.Equal($"The corpus path {_folder.Root} has no file that can be read: it holds no files at all. Readable: {CorpusFile.ReadableEndings}.", message);
    }

    [Fact]
    public async Task FolderOfOtherFiles_NamesOne()
    {
        _folder.Write("paper.pdf", "%PDF");

        Assert.Contains("it holds, for example, paper.pdf", await FailureAsync(_folder.Root));
    }

    [Fact]
    public async Task FileWithUnknownEnding_SaysWhichAreKnown() =>
        Assert.Contains("has an ending that is not read. Readable: .txt,", await FailureAsync(_folder.Write("a.docx", "x")));

    [Fact]
    public async Task BinaryFileNamedTxt_IsNotText()
    {
        string path = _folder.Write("image.txt", [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 13]);

        Assert.Equal($"The corpus file {path} is not text: a NUL byte at offset 8. Remove it from the corpus, or give it its true ending.", await FailureAsync(_folder.Root));
    }

    [Fact]
    public async Task ControlCharacters_AreNotText()
    {
        _folder.Write("a.txt", [.. Enumerable.Range(0, 100).Select(i => (byte)(i % 10 == 0 ? 1 : 'a'))]);

        Assert.Contains("is not text: 10 control characters in 100 bytes", await FailureAsync(_folder.Root));
    }

    [Fact]
    public async Task Latin1_IsNotUtf8()
    {
        string path = _folder.Write("a.txt", Encoding.Latin1.GetBytes("one\ntwo caf\u00e9 three"));

        Assert.Equal($"The corpus file {path} is not UTF-8: byte 0xE9 at line 2. Convert it, for example: iconv -f latin1 -t utf-8.", await FailureAsync(_folder.Root));
    }

    [Fact]
    public async Task Latin1BehindManyParts_IsNamedByItsLine()
    {
        _folder.Write("a.txt", [.. Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("a line of some length\n", 20_000))), .. Encoding.Latin1.GetBytes("caf\u00e9 three")]);

        Assert.Contains("byte 0xE9 at line 20001. Convert it", await FailureAsync(_folder.Root));
    }

    [Fact]
    public async Task Utf16_IsNamedAsSuch()
    {
        _folder.Write("a.txt", [0xFF, 0xFE, (byte)'a', 0]);

        Assert.Contains("is UTF-16, not UTF-8", await FailureAsync(_folder.Root));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(40)]
    [InlineData(-1)]
    [InlineData(-9)]
    public async Task TruncatedGzip_IsDamaged(int length)
    {
        byte[] packed = TemporaryFolder.Gzip(string.Concat(Enumerable.Range(0, 2000).Select(i => $"{{\"text\":\"number {i * 7919}\"}}\n")));
        _folder.Write("a.jsonl.gz", packed[..(length <= 0 ? packed.Length + length - (length == 0 ? packed.Length : 0) : length)]);

        string message = await FailureAsync(_folder.Root);

        Assert.True(message.Contains("truncated or damaged gzip file") || message.Contains("is empty, which no packed file is"), message);
    }

    [Fact]
    public async Task PlainTextNamedGz_IsDamaged()
    {
        _folder.Write("a.txt.gz", "this was never packed");

        Assert.Contains("truncated or damaged gzip file", await FailureAsync(_folder.Root));
    }

    [Fact]
    public async Task TruncatedZstandard_IsDamaged()
    {
        using var compressor = new ZstdSharp.Compressor();
        byte[] packed = compressor.Wrap(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 3000)))).ToArray();
        _folder.Write("a.txt.zst", packed[..(packed.Length / 2)]);

        Assert.Contains("truncated or damaged Zstandard file", await FailureAsync(_folder.Root));
    }

    /// <summary>A few kilobytes can claim millions of rows, which cost memory before any of them is read.</summary>
    [Fact]
    public async Task ParquetOfMoreRowsThanItCanHold_IsRefused()
    {
        const int Rows = 3_000_000;
        var text = new DataField<string>("text");
        string path = Path.Combine(_folder.Root, "rows.parquet");
        await using (FileStream file = File.Create(path))
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(text), file);
            writer.CustomMetadata = new Dictionary<string, string> { ["ballast"] = new string('x', 100_000) };
            using ParquetRowGroupWriter rows = writer.CreateRowGroup();
            await rows.WriteAsync(text, new string?[Rows]!);
        }

        string message = await FailureAsync(path);
        Assert.Contains("has a row group of 3,000,000 rows and", message);
        Assert.Contains("at most 1,048,576 rows (for a file of its", message);
    }

    [Fact]
    public async Task DamagedParquet_IsNotReadable()
    {
        _folder.Write("a.parquet", [.. "PAR1"u8, .. new byte[64], .. "PAR1"u8]);

        Assert.Contains("is not a readable Parquet file", await FailureAsync(_folder.Root));
    }

    [Fact]
    public async Task BadRecords_AreCountedWithFileLineAndReason()
    {
        _folder.Write("a.jsonl", [
            .. "{\"text\":\"good\"}\n"u8,
            .. "{\"text\":\n"u8,
            .. "{\"url\":\"x\"}\n"u8,
            .. "{\"text\":7}\n"u8,
            .. "{\"text\":\"  \"}\n"u8,
            .. "{\"text\":\""u8, 0xE9, .. "\"}\n"u8,
            .. "{\"text\":\"\\ud800\"}\n"u8,
            .. "[\"text\"]\n"u8,
            .. "{\"text\":\"good\"} {}\n"u8,
            .. Encoding.UTF8.GetBytes($"{{\"text\":\"{new string('x', 2000)}\"}}\n")]);
        var report = new CorpusReport();

        List<Document> documents = await Documents.ReadAsync(new CorpusOptions { Paths = [_folder.Root], MaximumBadShare = 0.95, MaximumRecordBytes = 1000 }, report);

        Assert.Equal("good", Assert.Single(documents).Text);
        Assert.Equal(9, report.BadRecords);
        Assert.Equal(
            [
                $"{_folder.Root}/a.jsonl:2: not a JSON object on one line (byte 8)",
                $"{_folder.Root}/a.jsonl:3: no field 'text'",
                $"{_folder.Root}/a.jsonl:4: field 'text' is not a string",
                $"{_folder.Root}/a.jsonl:5: field 'text' is empty",
                $"{_folder.Root}/a.jsonl:6: not UTF-8",
            ],
            report.Examples.Select(example => example.ToString()));
    }

    [Fact]
    public async Task TooManyBadRecords_StopTheReading_WithTheFirstOfThem()
    {
        _folder.Write("a.jsonl", string.Concat(Enumerable.Range(0, 98).Select(i => $"{{\"text\":\"{i}\"}}\n")) + "{\n}\n");

        string message = await FailureAsync(_folder.Root);

        Assert.StartsWith("2 of 100 records are bad, more than the allowed share of 0.001. The first of them:", message);
        Assert.Contains($"  {_folder.Root}/a.jsonl:99: not a JSON object on one line", message);
    }

    [Fact]
    public async Task HalfAMillionBadRecords_StopEarly()
    {
        _folder.Write("a.jsonl", string.Concat(Enumerable.Repeat("nothing\n", 500_000)));

        Assert.StartsWith("100 of 100 records are bad", await FailureAsync(_folder.Root));
    }

    [Fact]
    public async Task BadRecordsAtTheBeginning_DoNotRefuseACorpusThatIsGoodAsAWhole()
    {
        _folder.Write("a.jsonl", "{\n" + Good(999) + "}\n" + Good(4001));
        var report = new CorpusReport();

        Assert.Equal(5000, (await Documents.ReadAsync(new CorpusOptions { Paths = [_folder.Root] }, report)).Count);
        Assert.Equal(2, report.BadRecords);

        static string Good(int records) => string.Concat(Enumerable.Range(0, records).Select(i => $"{{\"text\":\"{i}\"}}\n"));
    }

    [Fact]
    public async Task WithoutAnyAllowance_TheFirstBadRecordStopsTheReading()
    {
        _folder.Write("a.jsonl", "{\"text\":\"good\"}\n" + string.Concat(Enumerable.Repeat("nothing\n", 5000)));

        DiPaCoException failure = await Assert.ThrowsAsync<DiPaCoException>(() =>
            Documents.ReadAsync(new CorpusOptions { Paths = [_folder.Root], MaximumBadShare = 0 }));

        Assert.StartsWith("1 of 2 records are bad", failure.Message);
    }

    [Fact]
    public async Task OriginThatIsAListOrAnObject_IsABadRecord()
    {
        _folder.Write("a.jsonl", "{\"text\":\"x\",\"url\":[\"a\"]}\n{\"url\":{\"b\":1},\"text\":\"y\"}\n{\"text\":\"z\",\"url\":null}\n");
        var report = new CorpusReport();

        List<Document> documents = await Documents.ReadAsync(new CorpusOptions { Paths = [_folder.Root], MaximumBadShare = 0.9 }, report);

        Assert.Equal("z", Assert.Single(documents).Text);
        Assert.Equal(
            [$"{_folder.Root}/a.jsonl:1: field 'url' is neither a string nor a number", $"{_folder.Root}/a.jsonl:2: field 'url' is neither a string nor a number"],
            report.Examples.Select(example => example.ToString()));
    }

    [Fact]
    public async Task ParquetOriginThatIsAList_IsRefused()
    {
        var text = new DataField<string>("text");
        var urls = new DataField<int[]>("url");
        await using (FileStream file = File.Create(Path.Combine(_folder.Root, "rows.parquet")))
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(text, urls), file);
            using ParquetRowGroupWriter rows = writer.CreateRowGroup();
            await rows.WriteAsync(text, ["some text"]);
            int[] values = [1, 2];
            int[] levels = [0, 1];
            await rows.WriteAsync<int>(urls, values, levels);
        }

        Assert.Contains("has a column 'url', which is to name each record's original, but its values are neither text nor numbers", await FailureAsync(_folder.Root));
    }

    [Theory]
    [InlineData("documnt_id", "Did you mean 'document_id'?")]
    [InlineData("somewhere", "Its fields: document_id, text.")]
    public async Task StatedOriginThatNoRecordHas_IsRefused_WithTheNearestField(string field, string hint)
    {
        _folder.Write("a.jsonl", string.Concat(Enumerable.Range(0, 20).Select(i => $"{{\"text\":\"t {i}\",\"document_id\":{i}}}\n")));
        var options = new CorpusOptions { Paths = [_folder.Root], OriginField = field, RequiresOrigin = true };

        DiPaCoException failure = await Assert.ThrowsAsync<DiPaCoException>(() => Documents.ReadAsync(options));
        DiPaCoException planned = await Assert.ThrowsAsync<DiPaCoException>(() => CorpusSample.TakeAsync(Data.Corpus.Open(options), CancellationToken.None));

        Assert.StartsWith($"No record of the corpus has anything in the field '{field}' (data.origin_field)", failure.Message);
        Assert.Contains(hint, failure.Message);
        Assert.Equal(failure.Message, planned.Message);
        Assert.Equal(20, (await Documents.ReadAsync(options with { OriginField = "document_id" })).Count);
        Assert.Equal(20, (await Documents.ReadAsync(options with { RequiresOrigin = false })).Count);
    }

    [Fact]
    public async Task FolderThatCannotBeListed_IsNamed_InAGlobToo()
    {
        // Not even root lists the first of these; the second is for everybody else.
        string closed = Path.Combine(_folder.Root, "closed");
        Directory.CreateDirectory(closed);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(closed, UnixFileMode.None);
        }

        string? glob = (CannotBeListed("/proc/1/map_files"), CannotBeListed(closed)) switch
        {
            (true, _) => "/proc/1/map_file?/*.txt",
            (_, true) => Path.Combine(_folder.Root, "*", "*.txt"),
            _ => null,
        };
        Assert.SkipWhen(glob is null, "This user can list every folder.");

        Assert.StartsWith($"The corpus path {glob} cannot be listed: ", await FailureAsync(glob));
        Assert.EndsWith("cannot be listed", (await FailureAsync(glob.StartsWith("/proc", StringComparison.Ordinal) ? "/proc/1/map_files" : closed)).Split(':')[0]);

        static bool CannotBeListed(string folder)
        {
            try
            {
                return Directory.Exists(folder) && Directory.GetFileSystemEntries(folder) is null;
            }
            catch (Exception failure) when (failure is UnauthorizedAccessException or IOException)
            {
                return true;
            }
        }
    }

    [Fact]
    public async Task FolderOfARun_IsNoText()
    {
        _folder.Write("run.json", "{}");
        _folder.Write("journal.jsonl", "{}");

        Assert.Equal($"The corpus path {_folder.Root} leads into the folder of a run, which is no text to train on. Give the text itself.", await FailureAsync(_folder.Root));
    }

    [Fact]
    public async Task LineWithoutEnd_DoesNotFillMemory()
    {
        _folder.Write("a.jsonl.gz", TemporaryFolder.Gzip(new string('x', 50_000_000)));
        var report = new CorpusReport();

        Assert.Empty(await Documents.ReadAsync(new CorpusOptions { Paths = [_folder.Root], MaximumRecordBytes = 100_000, MaximumBadShare = 1 }, report));
        Assert.Equal($"{_folder.Root}/a.jsonl.gz:1: longer than 100000 bytes", Assert.Single(report.Examples).ToString());
    }

    [Fact]
    public async Task ThreeDocuments_AreTooFew_AndTheMessageSaysHowManyWouldDo()
    {
        TextTokenizer tokenizer = await Documents.TrainAsync(300, "some text to train on");
        string text = string.Concat(Enumerable.Repeat("some text ", 50));
        var chunks = new List<TokenChunk>();
        await foreach (TokenChunkBuilder chunk in new CorpusTokenizer(tokenizer, new CorpusTokenizerOptions()).TokenizeAsync(Documents.Of([text, text, text])))
        {
            chunks.Add(TokenChunk.Load(await Chunks.BytesAsync(chunk)));
        }

        using var corpus = new TokenCorpus(chunks);
        var failure = Assert.Throws<DiPaCoException>(() => CorpusRequirement.Check(corpus, "three.jsonl", new SplitFractions(), new SequenceOptions(256)));

        Assert.StartsWith("The corpus, three.jsonl, has too few documents for all splits: 3 documents, of which 3 are longer than the prefix of 32 tokens", failure.Message);
        Assert.Contains("About 600 documents of different origin would do", failure.Message);
        Assert.Contains("raise data.validation_share and data.test_share and data.router_share, or set data.validation_share and data.router_share to 0.", failure.Message);
    }

    [Fact]
    public void RuntimeWithoutSdk_HasNoDemo_AndTheMessageSaysWhatToDo()
    {
        var failure = Assert.Throws<DiPaCoException>(() => DemoCorpus.Open([_folder.Root]));

        Assert.Contains("Install the .NET SDK", failure.Message);
        Assert.Contains("--data FOLDER", failure.Message);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<string> FailureAsync(string path) =>
        (await Assert.ThrowsAsync<DiPaCoException>(() => Documents.ReadAsync(path))).Message;
}
