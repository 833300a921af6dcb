namespace DiPaCo.Data;

/// <summary>Cuts text into the pieces inside which byte pairs are merged (pre-tokenization). Pieces cover the text without gaps.</summary>
internal abstract class PieceSplitter
{
    /// <summary>Appends the end index of each piece of <paramref name="text"/>; the last one is the text's length. Never cuts a surrogate pair.</summary>
    public abstract void Split(ReadOnlySpan<char> text, List<int> ends);
}
