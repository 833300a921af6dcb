using System.Text;

namespace DiPaCo.Data;

/// <summary>
/// One thread's share of a <see cref="ByteLevelBpe"/>: buffers, and the words it has met. Text repeats its words,
/// so nearly every piece is answered from the cache.
/// </summary>
internal sealed class BpeEncoder(BpeModel model, Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>>? whole)
{
    private const int CachedWords = 1 << 16;
    private const int CachedWordLength = 48;

    private const int MostRoom = 1 << 16;

    // Up to this many symbols a scan for the lowest rank beats a queue.
    private const int ScanLimit = 64;

    private readonly Dictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _cache =
        new Dictionary<string, int[]>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    private List<int> _ends = [];
    private byte[] _bytes = new byte[256];
    private int[] _symbols = new int[256];

    /// <summary>Bytes of the longest piece that there is room for now.</summary>
    public int Room => Math.Max(_bytes.Length, _ends.Capacity);

    public void Encode(ReadOnlySpan<char> text, ICollection<int> tokens)
    {
        _ends.Clear();
        model.Splitter.Split(text, _ends);
        int start = 0;
        foreach (int end in _ends)
        {
            ReadOnlySpan<char> piece = text[start..end];
            start = end;
            if (!_cache.TryGetValue(piece, out int[]? known))
            {
                ReadOnlySpan<int> merged = EncodePiece(piece);
                if (piece.Length > CachedWordLength || _cache.Dictionary.Count >= CachedWords)
                {
                    Append(merged, tokens);
                    continue;
                }

                _cache[piece] = known = merged.ToArray();
            }

            Append(known, tokens);
        }

        // One text of megabytes must not keep them for as long as the tokenizer lives.
        if (Room > MostRoom)
        {
            (_ends, _bytes, _symbols) = ([], new byte[256], new int[256]);
        }
    }

    private static void Append(ReadOnlySpan<int> from, ICollection<int> tokens)
    {
        if (tokens is List<int> list)
        {
            list.AddRange(from);
            return;
        }

        foreach (int token in from)
        {
            tokens.Add(token);
        }
    }

    private ReadOnlySpan<int> EncodePiece(ReadOnlySpan<char> piece)
    {
        int most = Encoding.UTF8.GetMaxByteCount(piece.Length);
        if (_bytes.Length < most)
        {
            _bytes = new byte[most];
            _symbols = new int[most];
        }

        if (whole is { } pieces && pieces.TryGetValue(piece, out int token))
        {
            _symbols[0] = token;
            return _symbols.AsSpan(0, 1);
        }

        int count = Encoding.UTF8.GetBytes(piece, _bytes);
        Span<int> symbols = _symbols.AsSpan(0, count);
        for (int i = 0; i < count; i++)
        {
            symbols[i] = model.ByteTokens[_bytes[i]];
        }

        int left = count <= ScanLimit ? MergeByScan(symbols) : BpeMergeQueue.Merge(model, symbols);
        return symbols[..left];
    }

    /// <summary>Merges in place; returns how many symbols are left.</summary>
    private int MergeByScan(Span<int> symbols)
    {
        Span<(int Rank, int Token)> merges = stackalloc (int, int)[ScanLimit];
        int count = symbols.Length;
        for (int i = 0; i + 1 < count; i++)
        {
            merges[i] = MergeOf(symbols[i], symbols[i + 1]);
        }

        while (count > 1)
        {
            int best = 0;
            for (int i = 1; i + 1 < count; i++)
            {
                best = merges[i].Rank < merges[best].Rank ? i : best;
            }

            if (merges[best].Rank == int.MaxValue)
            {
                break;
            }

            symbols[best] = merges[best].Token;
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            merges[(best + 1)..(count - 1)].CopyTo(merges[best..]);
            count--;
            if (best > 0)
            {
                merges[best - 1] = MergeOf(symbols[best - 1], symbols[best]);
            }

            if (best + 1 < count)
            {
                merges[best] = MergeOf(symbols[best], symbols[best + 1]);
            }
        }

        return count;
    }

    private (int Rank, int Token) MergeOf(int left, int right) =>
        model.Merges.TryGetValue(BpeModel.Pair(left, right), out (int Rank, int Token) merge) ? merge : (int.MaxValue, -1);
}
