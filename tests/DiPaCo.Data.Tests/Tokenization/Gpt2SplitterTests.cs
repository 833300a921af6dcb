using System.Text.RegularExpressions;
using CsCheck;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class Gpt2SplitterTests
{
    private static readonly Gen<string> Tricky = Gen.OneOf(
        AnyOf(" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2003", "\u0085", "\u3000", "'s", "'ll", "'re", "'", "' s", "a", "Zz", "é", "e\u0301", "日本", "0", "½", "٣", "-", "...", "\u200b", "\u0000", "\u001c", "_"),
        Gen.Char['\u0000', '\ud7ff'].Select(c => c.ToString())).Array[0, 40].Select(string.Concat);

    [Fact]
    public void Scanner_CutsAsThePatternDoes_BelowU10000() => Tricky.Sample(
        text => Assert.Equal(Regex.Matches(text, Gpt2Splitter.Pattern).Select(match => match.Value), Pieces(new Gpt2Splitter(), text)),
        iter: 20_000);

    [Theory]
    // .NET's own regular expressions would see "other symbols" in each of these letters and numbers.
    [InlineData("a𝐀b 𝟙2 😀! x", "a𝐀b| 𝟙2| 😀!| x")]
    [InlineData("it's   we'LL\n\n ok  ", "it|'s|  | we|'|LL|\n\n| ok|  ")]
    public void Scanner_SeesCodePoints(string text, string expected) => Assert.Equal(expected.Split('|'), Pieces(new Gpt2Splitter(), text));

    [Fact]
    public void PatternOfAFile_NeverCutsASurrogatePair_AndLosesNothing() => Gen.OneOf(Tricky, AnyOf("😀", "𝐀x", "\ud83d")).Array[0, 8].Select(string.Concat).Sample(text =>
    {
        string[] pieces = Pieces(new RegexSplitter([new Regex(@"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"), new Regex(".")], "the tokenizer"), text);
        Assert.Equal(text, string.Concat(pieces));
        Assert.DoesNotContain(pieces.Zip(pieces.Skip(1)), pair => char.IsHighSurrogate(pair.First[^1]) && char.IsLowSurrogate(pair.Second[0]));
    });

    private static Gen<string> AnyOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static string[] Pieces(PieceSplitter splitter, string text)
    {
        var ends = new List<int>();
        splitter.Split(text, ends);
        return [.. ends.Select((end, i) => text[(i == 0 ? 0 : ends[i - 1])..end])];
    }
}
