using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class TokenChunkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(65_536, 2)]
    [InlineData(65_537, 4)]
    public async Task Chunk_GivesBackWhatWasPutIn_FromFileAndFromMemory(int vocabulary, int tokenBytes)
    {
        var builder = new TokenChunkBuilder(vocabulary);
        builder.Add(7, "news", Split.Train, [0, 1, vocabulary - 1], 12);
        builder.Add(ulong.MaxValue, "books 📚", Split.Router, [], 0);
        builder.Add(9, "news", Split.Test, [5], 1);
        byte[] bytes = await Chunks.BytesAsync(builder);

        foreach (TokenChunk chunk in new[] { TokenChunk.Load(bytes), TokenChunk.Open(_folder.Write("chunk", bytes)) })
        {
            Assert.Equal((3, 4L, vocabulary), (chunk.DocumentCount, chunk.TokenCount, chunk.VocabularySize));
            Assert.Equal(["news", "books 📚"], chunk.Sources);
            Assert.Equal(new DocumentEntry(7, 0, Split.Train, 0, 3, 12), chunk[0]);
            Assert.Equal(new DocumentEntry(ulong.MaxValue, 1, Split.Router, 3, 0, 0), chunk[1]);
            Assert.Equal([0, 1, vocabulary - 1], chunk.Tokens(0));
            Assert.Empty(chunk.Tokens(1));
            Assert.Throws<ArgumentOutOfRangeException>(() => chunk.CopyTokens(0, 1, new int[3]));
            Assert.Throws<ArgumentOutOfRangeException>(() => chunk.CopyTokens(0, -1, new int[1]));
            Assert.Throws<ArgumentOutOfRangeException>(() => chunk[3]);
            chunk.Dispose();
            chunk.Dispose();
            Assert.Throws<ObjectDisposedException>(() => chunk.Tokens(0));
        }

        Assert.Equal(0, (bytes.Length - (4 * tokenBytes)) % 8);
    }

    [Fact]
    public async Task SameDocuments_AreTheSameBytes_WithAnyNumberOfThreads()
    {
        string[] texts = [.. Enumerable.Range(0, 300).Select(i => string.Concat(Enumerable.Repeat($"text number {i} ", 1 + (i % 50))))];
        TextTokenizer tokenizer = await Documents.TrainAsync(400, texts);
        var results = new List<string>();
        foreach (int threads in new[] { 1, 2, 7 })
        {
            var hashes = new List<string>();
            await foreach (TokenChunkBuilder chunk in new CorpusTokenizer(tokenizer, new CorpusTokenizerOptions { Threads = threads, TokensPerChunk = 5000 }).TokenizeAsync(Documents.Of(texts)))
            {
                Assert.True(chunk.TokenCount <= 5000);
                hashes.Add(BlobHash.Of(await Chunks.BytesAsync(chunk)).Hex);
            }

            Assert.True(hashes.Count > 3);
            results.Add(string.Join(' ', hashes));
        }

        Assert.Single(results.Distinct());
    }

    [Fact]
    public async Task TokenizedCorpus_HoldsEveryDocumentBetweenEndsOfText()
    {
        string[] texts = ["first text", "second 😀", new string('x', 5000)];
        TextTokenizer tokenizer = await Documents.TrainAsync(300, texts);
        var paths = new List<string>();
        await foreach (TokenChunkBuilder chunk in new CorpusTokenizer(tokenizer, new CorpusTokenizerOptions { TokensPerChunk = 20 }).TokenizeAsync(Documents.Of(texts)))
        {
            paths.Add(_folder.Write($"chunk{paths.Count}", await Chunks.BytesAsync(chunk)));
        }

        using TokenCorpus corpus = TokenCorpus.Open(paths);
        DocumentId[] ids = [.. Enum.GetValues<Split>().SelectMany(corpus.Documents).Order()];

        Assert.Equal(texts, ids.Select(id => tokenizer.Decode(corpus.Chunks[id.Chunk].Tokens(id.Document))));
        Assert.All(ids, id =>
        {
            int[] tokens = corpus.Chunks[id.Chunk].Tokens(id.Document);
            Assert.Equal((0, 0), (tokens[0], tokens[^1]));
        });
        Assert.Equal(texts.Select(TextTokenizer.CountBytes), ids.Select(id => corpus[id].ByteCount));
    }

    [Fact]
    public async Task FailureOfTheReader_ReachesTheCaller()
    {
        TextTokenizer tokenizer = await Documents.TrainAsync(300, "text");
        _folder.Write("a.txt", [0]);
        IAsyncEnumerable<Document> documents = Data.Corpus.Open(new CorpusOptions { Paths = [_folder.Root] }).ReadAsync(new CorpusReport(), CancellationToken.None);

        await Assert.ThrowsAsync<DiPaCoException>(async () =>
        {
            await foreach (TokenChunkBuilder chunk in new CorpusTokenizer(tokenizer, new CorpusTokenizerOptions()).TokenizeAsync(documents))
            {
                Assert.Fail("No chunk was expected.");
            }
        });
    }

    [Fact]
    public async Task TokensOutsideTheVocabulary_AreRefused_WhenWrittenAndWhenRead()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TokenChunkBuilder(10).Add(0, "s", Split.Train, [10], 0));
        var builder = new TokenChunkBuilder(10);
        builder.Add(0, "s", Split.Train, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0);
        byte[] bytes = await Chunks.BytesAsync(builder);
        bytes[^10] = 10;

        using TokenChunk chunk = TokenChunk.Load(bytes);
        Assert.Contains("is not below the vocabulary size of 10", Assert.Throws<DiPaCoException>(() => chunk.Tokens(0)).Message);
    }

    [Fact]
    public async Task RandomDamage_IsRefusedOrHarmless()
    {
        var builder = new TokenChunkBuilder(70_000);
        for (int i = 0; i < 20; i++)
        {
            builder.Add((ulong)i, $"source {i % 4}", (Split)(i % 4), [.. Enumerable.Range(i, 3 * i)], i);
        }

        byte[] good = await Chunks.BytesAsync(builder);
        Gen.Select(Gen.Int[0, 12], Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte).Array[0, 4], Gen.Int[-100, 100]).Sample((kind, changes, size) =>
        {
            byte[] damaged = [.. good];
            foreach ((int at, byte value) in changes)
            {
                // Most damage to the headers, where sizes are.
                damaged[kind > 3 ? at % 300 : at] = value;
            }

            damaged = kind == 0 && size < 0 ? damaged[..^-size] : kind == 0 ? [.. damaged, .. new byte[size]] : damaged;
            try
            {
                using TokenChunk chunk = TokenChunk.Load(damaged);
                for (int document = 0; document < chunk.DocumentCount; document++)
                {
                    Assert.All(chunk.Tokens(document), token => Assert.InRange(token, 0, chunk.VocabularySize - 1));
                    Assert.NotNull(chunk.Sources[chunk[document].Source]);
                }
            }
            catch (DiPaCoException)
            {
                // Refused: fine. Anything else fails the test.
            }
        }, iter: 20_000);
    }

    [Fact]
    public void MissingOrShortFiles_AreNamed()
    {
        Assert.Contains("cannot be read", Assert.Throws<DiPaCoException>(() => TokenChunk.Open(Path.Combine(_folder.Root, "none"))).Message);
        Assert.Contains("fewer than a header", Assert.Throws<DiPaCoException>(() => TokenChunk.Open(_folder.Write("short", "x"))).Message);
        Assert.Contains("does not begin as a token chunk does", Assert.Throws<DiPaCoException>(() => TokenChunk.Load(new byte[100])).Message);
    }

    public void Dispose() => _folder.Dispose();
}
