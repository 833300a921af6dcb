using System.Runtime.InteropServices;
using System.Text;

namespace DiPaCo.Data;

/// <summary>
/// The merging half of BPE training. Counts of pairs are kept up to date as pairs merge: only words that hold the merged pair are visited.
/// Most frequent pair first; among equals the one with the lower left token, then the lower right token.
/// </summary>
internal sealed class PairMerger
{
    private readonly int[] _symbols;
    private readonly int[] _start;
    private readonly int[] _length;
    private readonly long[] _count;
    private readonly Dictionary<long, Pair> _pairs = [];
    private readonly PriorityQueue<long, Priority> _queue = new();
    private readonly HashSet<long> _born = [];

    private PairMerger(IReadOnlyList<WordCount> words)
    {
        _start = new int[words.Count];
        _length = new int[words.Count];
        _count = new long[words.Count];
        int total = 0;
        for (int w = 0; w < words.Count; w++)
        {
            _start[w] = total;
            total = checked(total + Encoding.UTF8.GetByteCount(words[w].Word));
        }

        _symbols = new int[total];
        byte[] bytes = new byte[1024];
        for (int w = 0; w < words.Count; w++)
        {
            _count[w] = words[w].Count;
            _length[w] = Encoding.UTF8.GetBytes(words[w].Word, bytes);
            for (int i = 0; i < _length[w]; i++)
            {
                _symbols[_start[w] + i] = 1 + bytes[i];
            }
        }
    }

    /// <summary>The pairs to merge, in order, up to a vocabulary of this size.</summary>
    public static IReadOnlyList<(int Left, int Right)> Merge(IReadOnlyList<WordCount> words, int vocabularySize, CancellationToken cancellationToken)
    {
        var merger = new PairMerger(words);
        merger.CountPairs();
        var merges = new List<(int, int)>();
        while (BpeTrainerOptions.MinimumVocabularySize + merges.Count < vocabularySize && merger.TryTake(out int left, out int right))
        {
            cancellationToken.ThrowIfCancellationRequested();
            merger.Replace(left, right, BpeTrainerOptions.MinimumVocabularySize + merges.Count);
            merges.Add((left, right));
        }

        return merges;
    }

    private void CountPairs()
    {
        for (int w = 0; w < _count.Length; w++)
        {
            ReadOnlySpan<int> word = _symbols.AsSpan(_start[w], _length[w]);
            for (int i = 0; i + 1 < word.Length; i++)
            {
                Change(word[i], word[i + 1], w, _count[w]);
            }
        }

        QueueBorn();
    }

    /// <summary>The most frequent pair; false where no pair occurs twice.</summary>
    private bool TryTake(out int left, out int right)
    {
        while (_queue.TryDequeue(out long key, out Priority priority))
        {
            long count = _pairs[key].Count;
            if (count == priority.Count)
            {
                (left, right) = ((int)(key >> 32), (int)key);
                return true;
            }

            // The count has fallen since the pair was queued: back to where it belongs now.
            Queue(key, count);
        }

        (left, right) = (0, 0);
        return false;
    }

    private void Replace(int left, int right, int token)
    {
        _pairs.Remove(BpeModel.Pair(left, right), out Pair? pair);
        foreach (int w in pair!.Words)
        {
            ReplaceInWord(w, left, right, token);
        }

        // What is left of the pair are changes counted while it was being replaced; it occurs no more.
        _pairs.Remove(BpeModel.Pair(left, right));
        _born.Remove(BpeModel.Pair(left, right));
        QueueBorn();
    }

    private void ReplaceInWord(int w, int left, int right, int token)
    {
        Span<int> word = _symbols.AsSpan(_start[w], _length[w]);
        int written = 0;
        for (int i = 0; i < word.Length; i++)
        {
            if (word[i] != left || i + 1 == word.Length || word[i + 1] != right)
            {
                word[written++] = word[i];
                continue;
            }

            if (written > 0)
            {
                Change(word[written - 1], left, w, -_count[w]);
                Change(word[written - 1], token, w, _count[w]);
            }

            if (i + 2 < word.Length)
            {
                Change(right, word[i + 2], w, -_count[w]);
                Change(token, word[i + 2], w, _count[w]);
            }

            word[written++] = token;
            i++;
        }

        _length[w] = written;
    }

    private void Change(int left, int right, int w, long by)
    {
        long key = BpeModel.Pair(left, right);
        ref Pair? pair = ref CollectionsMarshal.GetValueRefOrAddDefault(_pairs, key, out bool known);
        pair ??= new Pair();
        pair.Count += by;
        if (!known)
        {
            _born.Add(key);
        }

        if (by > 0 && (pair.Words.Count == 0 || pair.Words[^1] != w))
        {
            pair.Words.Add(w);
        }
    }

    private void QueueBorn()
    {
        foreach (long key in _born)
        {
            Queue(key, _pairs[key].Count);
        }

        _born.Clear();
    }

    private void Queue(long key, long count)
    {
        if (count >= 2)
        {
            _queue.Enqueue(key, new Priority(count, key));
        }
        else
        {
            // Pairs only gain while the token that they hold is made; from here on this one can only become rarer.
            _pairs[key].Words.Clear();
        }
    }

    private sealed class Pair
    {
        public long Count { get; set; }

        public List<int> Words { get; } = [];
    }

    private readonly record struct Priority(long Count, long Key) : IComparable<Priority>
    {
        public int CompareTo(Priority other) => Count != other.Count ? other.Count.CompareTo(Count) : Key.CompareTo(other.Key);
    }
}
