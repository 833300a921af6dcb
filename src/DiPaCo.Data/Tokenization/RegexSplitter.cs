using System.Globalization;
using System.Text.RegularExpressions;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// Cuts by regular expressions, one after the other, each inside the pieces of the one before; what lies between matches is a piece too.
/// </summary>
/// <param name="patterns">The expressions, each with a time limit.</param>
/// <param name="name">The tokenizer's name for messages.</param>
internal sealed class RegexSplitter(IReadOnlyList<Regex> patterns, string name) : PieceSplitter
{
    /// <exception cref="DiPaCoException">An expression reaches its time limit on this text.</exception>
    public override void Split(ReadOnlySpan<char> text, List<int> ends)
    {
        List<int> pieces = [text.Length];
        foreach (Regex pattern in patterns)
        {
            var finer = new List<int>();
            int start = 0;
            foreach (int end in pieces)
            {
                SplitPiece(pattern, text, start, end, finer);
                start = end;
            }

            pieces = finer;
        }

        ends.AddRange(text.IsEmpty ? [] : pieces);
    }

    private void SplitPiece(Regex pattern, ReadOnlySpan<char> text, int start, int end, List<int> ends)
    {
        int covered = start;
        try
        {
            foreach (ValueMatch match in pattern.EnumerateMatches(text[start..end]))
            {
                covered = Add(text, start + match.Index, covered, ends);
                covered = Add(text, start + match.Index + match.Length, covered, ends);
            }
        }
        catch (RegexMatchTimeoutException failure)
        {
            string shown = failure.Pattern.Length <= 200 ? failure.Pattern : failure.Pattern[..200] + "…";
            throw new DiPaCoException(string.Create(
                CultureInfo.InvariantCulture,
                $"{name} cuts text by a regular expression that takes more than {failure.MatchTimeout.TotalSeconds:0.##} s on one text: {shown} Use a tokenizer with a simpler one, or leave the text out."), failure);
        }

        Add(text, end, covered, ends);
    }

    /// <summary>Ends a piece, moving the end past the second half of a surrogate pair.</summary>
    private static int Add(ReadOnlySpan<char> text, int end, int covered, List<int> ends)
    {
        if (end > 0 && end < text.Length && char.IsLowSurrogate(text[end]) && char.IsHighSurrogate(text[end - 1]))
        {
            end++;
        }

        if (end <= covered)
        {
            return covered;
        }

        ends.Add(end);
        return end;
    }
}
