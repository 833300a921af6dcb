using System.Text;
using DiPaCo.Data;
using DiPaCo.Serving.Tests.Support;
using DiPaCo.Serving.Text;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Serving.Tests.Text;

public sealed class TokenNamesTests(TrainedRun run)
{
    private static readonly string[] Pieces = ["▁the", "the", "▁", "t", "h", "e", "a"];

    [Fact]
    public void ATokenOfSentencePieceKeepsItsSpaceAndABytesTokenIsNotTakenForTheLetter()
    {
        TextTokenizer tokenizer = TokenizerFile.Load(SentencePieceModel.Write(byteFallback: true, removeExtraSpaces: false, dummyPrefix: true, Pieces));
        TokenNames names = new(tokenizer);
        int first = 3 + 256;
        Assert.Equal([" the", "the", " ", "t"], Enumerable.Range(first, 4).Select(names.Of));
        Assert.Equal("bytes:\\xc3", names.Of(3 + 0xC3));
        Assert.Equal(("t", "bytes:\\x74"), (names.Of(3 + 't'), names.ByBytes(3 + 't')));
        Assert.Equal("</s>", names.Of(2));
        Assert.Equal("<s>", names.Of(1));
    }

    [Fact]
    public async Task APartOfACharacterIsNamedByItsBytesAndWhatHasNoTextByItsNumber()
    {
        TextTokenizer tokenizer = await run.Grid.LoadTokenizerAsync(TestContext.Current.CancellationToken);
        TokenNames names = new(tokenizer);
        int[] parts = tokenizer.Encode("😀");
        Assert.Equal(4, parts.Length);
        Assert.Equal(["bytes:\\xf0", "bytes:\\x9f", "bytes:\\x98", "bytes:\\x80"], parts.Select(names.Of));
        Assert.Equal("<|endoftext|>", names.Of(tokenizer.EndOfText));
        Assert.Equal($"token_id:{tokenizer.VocabularySize + 7}", names.Of(tokenizer.VocabularySize + 7));
        foreach (int token in tokenizer.Encode("The old mill"))
        {
            Assert.Equal(Encoding.UTF8.GetString(tokenizer.BytesOf(token)), names.Of(token));
        }
    }
}
