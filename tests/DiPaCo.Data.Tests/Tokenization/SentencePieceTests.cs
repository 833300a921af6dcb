using System.Text;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class SentencePieceTests
{
    private static readonly string[] Pieces =
        ["th", "he", "▁t", "▁the", "the", "in", "▁", "t", "h", "e", "i", "n", "a", "s", "o", "é", "▁a", "an", "▁▁"];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ModelWithByteFallback_GivesTextBack(bool dummyPrefix)
    {
        TextTokenizer tokenizer = TokenizerFile.Load(SentencePieceModel.Write(byteFallback: true, removeExtraSpaces: false, dummyPrefix, Pieces));

        Assert.Equal(3 + 256 + Pieces.Length, tokenizer.VocabularySize);
        Assert.Equal(2, tokenizer.EndOfText);
        Gen.OneOf(Gen.String, Gen.Char[" ▁theinasoé\n\r\t\0"].Array[0, 20].Select(letters => new string(letters))).Sample(raw =>
        {
            string text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(raw));
            int[] tokens = tokenizer.Encode(text);
            Assert.Equal(text, tokenizer.Decode(tokens));
            Assert.InRange(tokens.Sum(tokenizer.ByteCount), TextTokenizer.CountBytes(text), TextTokenizer.CountBytes(text) + 1);
        }, iter: 2000);
        Assert.True(tokenizer.Encode("the the").Length < 5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheMarkOfASpace_IsNoSpace(bool dummyPrefix)
    {
        TextTokenizer tokenizer = TokenizerFile.Load(SentencePieceModel.Write(byteFallback: true, removeExtraSpaces: false, dummyPrefix, Pieces));

        foreach (string text in (string[])["▁", " ▁", "▁ ", "▁▁the", "the▁ the", " ▁the ▁ ▁", "the▁"])
        {
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        }
    }

    [Fact]
    public void ModelsThatLoseText_AreRefused()
    {
        string NoBytes() => Assert.Throws<DiPaCoException>(() => TokenizerFile.Load(SentencePieceModel.Write(false, false, true, Pieces))).Message;
        string NoByte() => Assert.Throws<DiPaCoException>(
            () => TokenizerFile.Load(SentencePieceModel.Write(true, false, true, Pieces, withoutByte: 0x96), "some.model")).Message;
        string Spaces() => Assert.Throws<DiPaCoException>(() => TokenizerFile.Load(SentencePieceModel.Write(true, removeExtraSpaces: true, true, Pieces))).Message;

        Assert.Contains("without byte fallback: characters that it does not know are lost", NoBytes());
        Assert.Contains("some.model is a SentencePiece model with byte fallback that has no token for the byte 0x96", NoByte());
        Assert.Contains("changes text (white space or normalization)", Spaces());
    }
}
