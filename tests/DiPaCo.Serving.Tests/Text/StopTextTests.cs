using System.Text;
using CsCheck;
using DiPaCo.Serving.Text;
using Xunit;

namespace DiPaCo.Serving.Tests.Text;

public sealed class StopTextTests
{
    private static readonly string[] Letters = ["a", "b", "ab", "é", "日", "🜁", "\n", "a\u0301"];

    private static readonly string[] Ends = ["ab", "ba", "aab", "日", "é日", "🜁a", "bab", "b\n"];

    private static readonly Gen<string> Texts = Gen.Int[0, Letters.Length - 1].Array[0, 24].Select(chosen => string.Concat(chosen.Select(at => Letters[at])));

    [Fact]
    public void HoweverBytesAreCutTheTextEndsBeforeTheFirstStopString() => Check.Sample(
        from text in Texts
        from stops in Gen.Int[0, Ends.Length - 1].Select(at => Ends[at]).Array[0, 3]
        from cuts in Gen.Int[1, 5].Array[80]
        select (text, stops, cuts),
        given =>
        {
            byte[] bytes = Encoding.UTF8.GetBytes(given.text);
            StopText stop = new(given.stops);
            StringBuilder written = new();
            int at = 0;
            foreach (int cut in given.cuts)
            {
                int count = Math.Min(cut, bytes.Length - at);
                string piece = stop.Append(bytes.AsSpan(at, count));
                Assert.DoesNotContain('\uFFFD', piece);
                written.Append(piece);
                at += count;
            }

            written.Append(stop.Finish());
            (string expected, bool stopped) = Naive(given.text, given.stops, given.cuts);
            Assert.Equal(expected, written.ToString());
            Assert.Equal(stopped, stop.Stopped);
        },
        iter: 3_000);

    [Fact]
    public void NothingIsHeldThatCannotBeAStopString()
    {
        StopText stop = new(["stop"]);
        Assert.Equal("hello", stop.Append("hello"u8));
        Assert.Equal(" ", stop.Append(" s"u8));
        Assert.Equal("", stop.Append("to"u8));
        Assert.Equal("stoa", stop.Append("a"u8));
        Assert.Equal("é", stop.Append([0xC3, 0xA9, 0xE6]));
        Assert.Equal("日", stop.Append([0x97, 0xA5]));
    }

    [Fact]
    public void ACutCharacterAtTheEndBecomesAReplacement()
    {
        StopText stop = new([]);
        Assert.Equal("a", stop.Append([(byte)'a', 0xE6, 0x97]));
        Assert.Equal("\uFFFD", stop.Finish());
    }

    [Fact]
    public void BytesThatAreNoTextDoNotStopTheText()
    {
        StopText stop = new(["x"]);
        string text = stop.Append([0xFF, 0x80, 0x80, 0x80, 0x80, (byte)'b', 0xC3]) + stop.Append([(byte)'c']) + stop.Finish();
        Assert.Contains('b', text);
        Assert.EndsWith("c", text, StringComparison.Ordinal);
    }

    /// <summary>
    /// Text is looked at after every piece: of several stop strings, that one ends it which is complete first, and of those complete after the same piece
    /// that which begins first.
    /// </summary>
    private static (string Text, bool Stopped) Naive(string text, string[] stops, int[] cuts)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int seen = 0;
        foreach (int cut in cuts)
        {
            seen = Math.Min(seen + cut, bytes.Length);
            int first = -1;
            foreach (string stop in stops)
            {
                int at = bytes.AsSpan(0, seen).IndexOf(Encoding.UTF8.GetBytes(stop));
                first = at >= 0 && (first < 0 || at < first) ? at : first;
            }

            if (first >= 0)
            {
                return (Encoding.UTF8.GetString(bytes.AsSpan(0, first)), true);
            }
        }

        return (text, false);
    }
}
