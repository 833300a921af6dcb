using System.Text.RegularExpressions;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class CorpusTokenizerTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task PatternThatTakesTooLong_NamesTokenizerAndDocument(int threads)
    {
        var splitter = new RegexSplitter([new Regex("(a+)+b", RegexOptions.None, TimeSpan.FromMilliseconds(20))], "slow/tokenizer.json");
        var tokenizer = new CorpusTokenizer(new SplittingTokenizer(splitter), new CorpusTokenizerOptions { Threads = threads });

        var failure = await Assert.ThrowsAsync<DiPaCoException>(async () =>
        {
            await foreach (TokenChunkBuilder chunk in tokenizer.TokenizeAsync(Documents.Of(["fine", new string('a', 60), "fine too"])))
            {
                Assert.Fail($"A chunk of {chunk.DocumentCount} documents came out.");
            }
        });

        Assert.Matches(@"^The document here:1 cannot be tokenized: slow/tokenizer.json cuts text by a regular expression that takes more than 0.02 s on one text: \(a\+\)\+b", failure.Message);
    }

    /// <summary>One token a piece.</summary>
    private sealed class SplittingTokenizer(PieceSplitter splitter) : TextTokenizer
    {
        public override int VocabularySize => 2;

        public override int EndOfText => 0;

        public override ReadOnlyMemory<byte> File => default;

        public override void Encode(ReadOnlySpan<char> text, ICollection<int> tokens)
        {
            var ends = new List<int>();
            splitter.Split(text, ends);
            ends.ForEach(_ => tokens.Add(1));
        }

        public override byte[] DecodeBytes(ReadOnlySpan<int> tokens) => [];

        public override ReadOnlySpan<byte> BytesOf(int token) => [];
    }
}
