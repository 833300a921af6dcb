using System.Text;
using Parquet;
using Parquet.Schema;
using Xunit;
using ZstdSharp;

namespace DiPaCo.Data.Tests;

public sealed class CorpusFormatTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task TextFile_IsOneDocument_NamedByItsPathAndFolder()
    {
        _folder.Write("poems/a.txt", "\uFEFFRoses are red,\r\nviolets are blue.\n");

        Document document = Assert.Single(await Documents.ReadAsync(_folder.Root));

        Assert.Equal(new Document("Roses are red,\r\nviolets are blue.\n", "poems/a.txt", "poems", "poems/a.txt"), document);
    }

    [Fact]
    public async Task LongTextFile_IsCutAtParagraphs_IntoDocumentsOfOneOrigin()
    {
        string text = string.Concat(Enumerable.Range(0, 200).Select(i => $"Paragraph {i} says é and 😀.\n\n"));
        _folder.Write("book.txt", text);

        List<Document> parts = await Documents.ReadAsync(new CorpusOptions { Paths = [_folder.Root], TextPartBytes = 1000 });

        Assert.Equal(text, string.Concat(parts.Select(part => part.Text)));
        Assert.True(parts.Count > 5);
        Assert.All(parts, part => Assert.StartsWith("Paragraph", part.Text));
        Assert.Equal("book.txt", Assert.Single(parts.Select(part => part.Origin).Distinct()));
        Assert.Equal(parts.Count, parts.Select(part => part.Location).Distinct().Count());
    }

    [Fact]
    public async Task PartsOfATextFile_CanHaveOriginsOfTheirOwn()
    {
        _folder.Write("book.txt", string.Concat(Enumerable.Repeat("words and more words\n", 500)));

        List<Document> parts = await Documents.ReadAsync(new CorpusOptions { Paths = [_folder.Root], TextPartBytes = 1000, TextPartsPerOrigin = 3 });

        Assert.Equal((parts.Count + 2) / 3, parts.Select(part => part.Origin).Distinct().Count());
    }

    [Theory]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(66)]
    [InlineData(67)]
    public async Task TextWithoutAnyBreak_IsCutBetweenCharacters(int partBytes)
    {
        string text = string.Concat(Enumerable.Repeat("日本😀é", 100));
        _folder.Write("run.txt", text);

        List<Document> parts = await Documents.ReadAsync(new CorpusOptions { Paths = [_folder.Root], TextPartBytes = partBytes });

        Assert.Equal(text, string.Concat(parts.Select(part => part.Text)));
    }

    [Fact]
    public async Task JsonLine_InC4sLayout_GivesTextOriginAndSource()
    {
        _folder.Write("c4-train.00000-of-00001.json.gz", TemporaryFolder.Gzip(
            """{"text":"One\nline","timestamp":"2019-04-25T12:57:54Z","url":"https://example.org/a#part2"}""" + "\n" +
            """{"url":"https://example.org/b","text":"Two","source":"web","extra":{"text":[1,{"text":"no"}]}}""" + "\n"));

        List<Document> documents = await Documents.ReadAsync(_folder.Root);

        Assert.Equal(new Document("One\nline", "https://example.org/a", "c4-train", "c4-train.00000-of-00001.json.gz:1"), documents[0]);
        Assert.Equal(new Document("Two", "https://example.org/b", "web", "c4-train.00000-of-00001.json.gz:2"), documents[1]);
    }

    [Fact]
    public async Task RecordWithoutOrigin_IsItsOwn()
    {
        _folder.Write("a.jsonl", "{\"text\":\"x\"}\n\n{\"text\":\"y\",\"url\":\"\"}");

        // Without a name of its own, an original is its text: lines before it change nothing.
        List<Document> documents = await Documents.ReadAsync(_folder.Root);
        Assert.Equal(documents.Select(document => DocumentOrigin.OfText(document.Text)), documents.Select(document => document.Origin));
        Assert.Equal(["a.jsonl:1", "a.jsonl:3"], documents.Select(document => document.Location));
    }

    /// <summary>Numbers and truth values name originals as text does, by how they are written.</summary>
    [Fact]
    public async Task OriginThatIsANumber_IsItsDigits()
    {
        _folder.Write("a.jsonl", """
            {"text":"x","url":17}
            {"url":1.50,"text":"y"}
            {"text":"z","url":true}
            {"text":"w","url":"17"}
            """);

        Assert.Equal(["17", "1.50", "true", "17"], (await Documents.ReadAsync(_folder.Root)).Select(document => document.Origin));
    }

    [Fact]
    public async Task ParquetOriginThatIsANumber_IsItsDigits()
    {
        int[] whole = [7, -3];
        long?[] large = [1L << 40, null];
        bool[] truths = [true, false];
        double[] real = [0.5, 2];
        await WriteAsync(new DataField<int>("url"), (rows, field) => rows.WriteAsync<int>(field, whole));
        Assert.Equal(["7", "-3"], await OriginsAsync());
        await WriteAsync(new DataField<long?>("url"), (rows, field) => rows.WriteAsync<long>(field, large));
        Assert.Equal(["1099511627776", DocumentOrigin.OfText("two")], await OriginsAsync());
        await WriteAsync(new DataField<bool>("url"), (rows, field) => rows.WriteAsync<bool>(field, truths));
        Assert.Equal(["true", "false"], await OriginsAsync());
        await WriteAsync(new DataField<double>("url"), (rows, field) => rows.WriteAsync<double>(field, real));
        Assert.Equal(["0.5", "2"], await OriginsAsync());

        async Task<IEnumerable<string>> OriginsAsync() => (await Documents.ReadAsync(_folder.Root)).Select(document => document.Origin);

        async Task WriteAsync(DataField field, Func<ParquetRowGroupWriter, DataField, Task> write)
        {
            var text = new DataField<string>("text");
            await using FileStream file = File.Create(Path.Combine(_folder.Root, "rows.parquet"));
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(text, field), file);
            using ParquetRowGroupWriter rows = writer.CreateRowGroup();
            await rows.WriteAsync(text, ["one", "two"]);
            await write(rows, field);
        }
    }

    [Fact]
    public async Task Zstandard_IsUnpacked()
    {
        using var compressor = new Compressor();
        _folder.Write("a.jsonl.zst", compressor.Wrap("{\"text\":\"packed\"}\n"u8).ToArray());
        _folder.Write("b.txt.zst", compressor.Wrap("also packed"u8).ToArray());

        Assert.Equal(["packed", "also packed"], (await Documents.ReadAsync(_folder.Root)).Select(document => document.Text));
    }

    [Fact]
    public async Task GzipOfSeveralMembers_IsReadToItsEnd()
    {
        _folder.Write("a.txt.gz", [.. TemporaryFolder.Gzip("first "), .. TemporaryFolder.Gzip("second")]);

        Assert.Equal("first second", Assert.Single(await Documents.ReadAsync(_folder.Root)).Text);
    }

    [Fact]
    public async Task Parquet_IsReadRowByRow_OverRowGroups()
    {
        var text = new DataField<string>("body");
        var url = new DataField<string>("url");
        await using (FileStream file = File.Create(Path.Combine(_folder.Root, "rows.parquet")))
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(text, url), file);
            foreach (string group in new[] { "a", "b" })
            {
                using ParquetRowGroupWriter rows = writer.CreateRowGroup();
                await rows.WriteAsync(text, [$"text {group} é😀", null!]);
                await rows.WriteAsync(url, [$"http://{group}#1", "http://x"]);
            }
        }

        var report = new CorpusReport();
        List<Document> documents = await Documents.ReadAsync(new CorpusOptions { Paths = [_folder.Root], TextField = "body", MaximumBadShare = 0.5 }, report);

        Assert.Equal(
            [new Document("text a é😀", "http://a", "rows", "rows.parquet:1"), new Document("text b é😀", "http://b", "rows", "rows.parquet:3")],
            documents);
        Assert.Equal([$"{_folder.Root}/rows.parquet:2: no 'body'", $"{_folder.Root}/rows.parquet:4: no 'body'"], report.Examples.Select(example => example.ToString()));
    }

    /// <summary>Web text holds U+FFFD here and there; text in another encoding becomes full of it.</summary>
    [Fact]
    public async Task ParquetText_MayHoldTheReplacementCharacter_ButNotBeFullOfIt()
    {
        var text = new DataField<string>("text");
        var bytes = new DataField<byte[]>("text");
        string fair = $"A page with one \uFFFD among its characters. {new string('x', 100)}";
        await WriteAsync("fair.parquet", new ParquetSchema(text), rows => rows.WriteAsync(text, [fair]));
        await WriteAsync("latin.parquet", new ParquetSchema(bytes), rows => rows.WriteAsync(bytes, [Encoding.Latin1.GetBytes("Prêts à être traités"), Encoding.UTF8.GetBytes("déjà lu")]));

        var report = new CorpusReport();
        List<Document> documents = await Documents.ReadAsync(new CorpusOptions { Paths = [_folder.Root], MaximumBadShare = 0.5 }, report);

        Assert.Equal([fair, "déjà lu"], documents.Select(document => document.Text));
        Assert.Equal([$"{_folder.Root}/latin.parquet:1: not UTF-8 (more than one character in 100 is U+FFFD)"], report.Examples.Select(example => example.ToString()));

        async Task WriteAsync(string name, ParquetSchema schema, Func<ParquetRowGroupWriter, Task> write)
        {
            await using FileStream file = File.Create(Path.Combine(_folder.Root, name));
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(schema, file);
            using ParquetRowGroupWriter rows = writer.CreateRowGroup();
            await write(rows);
        }
    }

    [Fact]
    public async Task Folders_AreReadInOrdinalOrder_AndEveryFileOnce()
    {
        foreach (string name in new[] { "b.txt", "B.txt", "a/z.txt", "a.txt", "é.txt", "a/deep/er.jsonl", "notes.md", ".hidden/no.txt" })
        {
            _folder.Write(name, name.EndsWith("jsonl", StringComparison.Ordinal) ? $"{{\"text\":\"{name}\"}}" : name);
        }

        List<Document> documents = await Documents.ReadAsync(_folder.Root, Path.Combine(_folder.Root, "b.txt"), Path.Combine(_folder.Root, "**", "*.txt"));

        Assert.Equal(["B.txt", "a.txt", "a/deep/er.jsonl", "a/z.txt", "b.txt", "é.txt"], documents.Take(6).Select(document => document.Text));
        Assert.DoesNotContain(documents.Skip(6), document => !document.Text.StartsWith('.'));
    }

    [Theory]
    [InlineData("*.txt", "one.txt two.txt")]
    [InlineData("**/*.txt", "deep/three.txt one.txt two.txt")]
    [InlineData("t*.txt", "two.txt")]
    [InlineData("?wo.txt", "two.txt")]
    [InlineData("*/three.txt", "deep/three.txt")]
    public void Globs_FindFiles(string glob, string expected)
    {
        _folder.Write("one.txt", "1");
        _folder.Write("two.txt", "2");
        _folder.Write("deep/three.txt", "3");

        Corpus corpus = Data.Corpus.Open(new CorpusOptions { Paths = [Path.Combine(_folder.Root, glob)] });

        Assert.Equal(expected, string.Join(' ', corpus.Files.Select(file => file.Name)));
    }

    /// <summary>What a run records beside the text that it was trained on must not become text of the next start.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("**/*")]
    [InlineData("**/*.jsonl")]
    [InlineData("*/*/*.jsonl")]
    public void RunsAndHiddenFiles_AreNoText_InFoldersAndGlobs(string glob)
    {
        foreach (string name in (string[])[
            "text/a/b.jsonl", "runs/one/run.json", "runs/one/journal.jsonl", "runs/one/metrics.jsonl", "runs/new/run.json", "runs/new/run.lock",
            "runs/rows/experiment.json", "runs/rows/experiment.md", "runs/rows/first/run.json", "runs/rows/first/journal.jsonl",
            ".hidden/a/c.jsonl", "text/.cache/d.jsonl", "text/a/.e.jsonl"])
        {
            _folder.Write(name, "{\"text\":\"x\"}");
        }

        Corpus corpus = Data.Corpus.Open(new CorpusOptions { Paths = [Path.Combine(_folder.Root, glob)] });

        Assert.Equal(["text/a/b.jsonl"], corpus.Files.Select(file => file.Name));
    }

    [Fact]
    public void AFileNamedRunJson_IsText_WhereThereIsNoRun()
    {
        _folder.Write("data/run.json", "{\"text\":\"x\"}");

        Assert.Equal("data/run.json", Assert.Single(Data.Corpus.Open(new CorpusOptions { Paths = [_folder.Root] }).Files).Name);
    }

    [Theory]
    [InlineData("a?/x.txt", "ab/x.txt")]
    [InlineData("a?/*.txt", "ab/x.txt ab/y.txt")]
    [InlineData("?/x.txt", "a/x.txt")]
    [InlineData("a??/?.txt", "abc/x.txt")]
    [InlineData("a?/**/*.txt", "ab/d/z.txt ab/x.txt ab/y.txt")]
    [InlineData("**/a?/**/?.txt", "ab/d/z.txt ab/x.txt ab/y.txt")]
    [InlineData("**/?.txt", "a/x.txt ab/d/z.txt ab/x.txt ab/y.txt abc/x.txt")]
    [InlineData("a?/", "ab/d/z.txt ab/x.txt ab/y.txt")]
    [InlineData("**/d/?.txt", "ab/d/z.txt")]
    public void AQuestionMark_IsOneCharacter_InFoldersToo(string glob, string expected)
    {
        foreach (string name in (string[])["a/x.txt", "ab/x.txt", "ab/y.txt", "ab/d/z.txt", "abc/x.txt"])
        {
            _folder.Write(name, "text");
        }

        Corpus corpus = Data.Corpus.Open(new CorpusOptions { Paths = [_folder.Root + "/" + glob] });

        Assert.Equal(expected, string.Join(' ', corpus.Files.Select(file => file.Name)));
    }

    [Fact]
    public async Task ManyLines_ArriveWhole_WhateverTheBuffersDo()
    {
        string[] texts = [.. Enumerable.Range(0, 3000).Select(i => new string((char)('a' + (i % 26)), 1 + (i * 37 % 900)) + "é😀")];
        _folder.Write("a.jsonl.gz", TemporaryFolder.Gzip(string.Join("\r\n", texts.Select(text => $"{{\"text\":\"{text}\"}}"))));

        Assert.Equal(texts, (await Documents.ReadAsync(_folder.Root)).Select(document => document.Text));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SplitsAndOrigins_DoNotDependOnWhereTheFolderLies()
    {
        _folder.Write("one/data/a.txt", "text");
        _folder.Write("two/data/a.txt", "text");

        Assert.Equal(
            await Documents.ReadAsync(Path.Combine(_folder.Root, "one")),
            await Documents.ReadAsync(Path.Combine(_folder.Root, "two") + Path.DirectorySeparatorChar));
        Assert.Equal(Encoding.UTF8.GetByteCount("text"), TextTokenizer.CountBytes("text"));
    }
}
