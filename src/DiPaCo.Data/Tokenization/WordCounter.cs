using System.Numerics;
using System.Runtime.InteropServices;

namespace DiPaCo.Data;

/// <summary>
/// Counts the pieces of text, in parallel. Documents fall into levels by a hash: half of them into level 0, a quarter into level 1, and so on.
/// While the text is too much, the lowest level is given up, which halves the sample: one pass, no matter how large the corpus, and the
/// sample is a function of the documents alone.
/// </summary>
internal sealed class WordCounter(BpeTrainerOptions options)
{
    private const int Levels = 16;

    // Longer pieces (base64, rows of dashes) would only cost memory.
    private const int MaximumWordLength = 128;
    private const int BatchCharacters = 4 << 20;

    private readonly long[] _bytes = new long[Levels];
    private int _lowest;

    public async Task<IReadOnlyList<WordCount>> CountAsync(IAsyncEnumerable<Document> documents, CancellationToken cancellationToken)
    {
        Dictionary<string, long>[][] counts = [.. Enumerable.Range(0, options.Threads).Select(_ => NewLevels())];
        var batch = new List<(int Level, string Text)>();
        int characters = 0;
        await foreach (Document document in documents.WithCancellation(cancellationToken))
        {
            int level = Math.Min(Levels - 1, BitOperations.TrailingZeroCount(DocumentOrigin.Hash(document.Location)));
            if (level < _lowest)
            {
                continue;
            }

            _bytes[level] += TextTokenizer.CountBytes(document.Text);
            batch.Add((level, document.Text));
            characters += document.Text.Length;
            if (characters >= BatchCharacters)
            {
                Count(batch, counts, cancellationToken);
                characters = 0;
            }
        }

        Count(batch, counts, cancellationToken);
        return Sum(counts);
    }

    private static Dictionary<string, long>[] NewLevels() =>
        [.. Enumerable.Range(0, Levels).Select(_ => new Dictionary<string, long>(StringComparer.Ordinal))];

    private void Count(List<(int Level, string Text)> batch, Dictionary<string, long>[][] counts, CancellationToken cancellationToken)
    {
        Parallel.For(0, options.Threads, new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = cancellationToken }, thread =>
        {
            var ends = new List<int>();
            var splitter = new Gpt2Splitter();
            for (int i = thread; i < batch.Count; i += options.Threads)
            {
                Count(batch[i].Text, splitter, ends, counts[thread][batch[i].Level]);
            }
        });
        batch.Clear();
        while (_lowest < Levels - 1 && _bytes.AsSpan(_lowest).ToArray().Sum() > options.MaximumSampleBytes)
        {
            foreach (Dictionary<string, long>[] levels in counts)
            {
                levels[_lowest] = [];
            }

            _lowest++;
        }
    }

    private static void Count(string text, Gpt2Splitter splitter, List<int> ends, Dictionary<string, long> counts)
    {
        ends.Clear();
        splitter.Split(text, ends);
        var lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        int start = 0;
        foreach (int end in ends)
        {
            if (end - start <= MaximumWordLength)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(lookup, text.AsSpan(start, end - start), out _)++;
            }

            start = end;
        }
    }

    /// <summary>The total of all threads and kept levels, most frequent first, equals in ordinal order.</summary>
    private List<WordCount> Sum(Dictionary<string, long>[][] counts)
    {
        var total = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (Dictionary<string, long> part in counts.SelectMany(levels => levels.Skip(_lowest)))
        {
            foreach ((string word, long count) in part)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(total, word, out _) += count;
            }
        }

        List<WordCount> words = [.. total.Select(entry => new WordCount(entry.Key, entry.Value))];
        words.Sort((left, right) => right.Count != left.Count ? right.Count.CompareTo(left.Count) : string.CompareOrdinal(left.Word, right.Word));
        return words;
    }
}
