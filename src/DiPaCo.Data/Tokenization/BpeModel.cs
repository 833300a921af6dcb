namespace DiPaCo.Data;

/// <summary>What a byte-level BPE tokenizer consists of, whatever file it came from.</summary>
internal sealed record BpeModel
{
    /// <summary>The bytes of each token; null for special tokens and for ids that no token has.</summary>
    public required byte[]?[] Tokens { get; init; }

    /// <summary>The token of each of the 256 bytes.</summary>
    public required int[] ByteTokens { get; init; }

    /// <summary>Pairs of tokens (see <see cref="Pair"/>) to their rank, the lowest first to be merged, and the token that they make.</summary>
    public required IReadOnlyDictionary<long, (int Rank, int Token)> Merges { get; init; }

    /// <summary>Where text is cut first.</summary>
    public required PieceSplitter Splitter { get; init; }

    /// <summary>The token that begins and ends documents.</summary>
    public required int EndOfText { get; init; }

    /// <summary>The tokens that text never becomes, by the texts that name them.</summary>
    public required IReadOnlyList<SpecialToken> SpecialTokens { get; init; }

    /// <summary>Whether a piece that is itself a token becomes that token without merging.</summary>
    public bool WholePiecesFirst { get; init; }

    /// <summary>The key of a pair of tokens.</summary>
    public static long Pair(int left, int right) => ((long)left << 32) | (uint)right;
}
