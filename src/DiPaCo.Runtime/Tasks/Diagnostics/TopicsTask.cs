using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="TopicsSpec"/>.</summary>
internal static class TopicsTask
{
    public static TaskResult Execute(TopicsSpec spec, IReadOnlyList<TokenCorpus> shards, TextTokenizer tokenizer, CancellationToken cancellationToken)
    {
        long[][] counts = [.. shards.Select(shard => Count(shard, tokenizer.VocabularySize, cancellationToken))];
        long[] all = new long[tokenizer.VocabularySize];
        foreach (long[] shard in counts)
        {
            for (int token = 0; token < all.Length; token++)
            {
                all[token] += shard[token];
            }
        }

        bool[] isWord = [.. Enumerable.Range(0, all.Length).Select(token => all[token] > 0 && IsWord(tokenizer.Decode([token])))];
        DistinctiveTokens distinctive = new(all);
        ImmutableArray<ShardTopics> topics =
        [
            .. spec.Shards.Select((shard, s) => new ShardTopics(shard.Path, Sources(shards[s]), Topics(distinctive.Score(counts[s]), counts[s]))),
        ];
        return new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(new TopicsMetrics(topics), TaskJson.Options));

        ImmutableArray<Topic> Topics(double[] scores, long[] own) =>
        [
            .. Enumerable.Range(0, scores.Length)
                .Where(token => isWord[token] && scores[token] > 0)
                .OrderByDescending(token => scores[token]).ThenBy(token => token)
                .Take(spec.Tokens)
                .Select(token => new Topic(tokenizer.Decode([token]), Math.Round(scores[token], 3), own[token])),
        ];
    }

    private static long[] Count(TokenCorpus shard, int vocabulary, CancellationToken cancellationToken)
    {
        long[] counts = new long[vocabulary];
        int[] tokens = [];
        foreach (DocumentId document in shard.Documents(Split.Train))
        {
            cancellationToken.ThrowIfCancellationRequested();
            int length = shard[document].TokenCount;
            if (tokens.Length < length)
            {
                tokens = new int[length];
            }

            shard.CopyTokens(document, 0, tokens.AsSpan(0, length));
            foreach (int token in tokens.AsSpan(0, length))
            {
                counts[token]++;
            }
        }

        return counts;
    }

    private static ImmutableArray<SourceCount> Sources(TokenCorpus shard) =>
    [
        .. shard.Documents(Split.Train).CountBy(document => shard.Sources[shard[document].Source])
            .OrderByDescending(count => count.Value).ThenBy(count => count.Key, StringComparer.Ordinal)
            .Select(count => new SourceCount(count.Key, count.Value)),
    ];

    /// <summary>Pieces of words say something to people; spaces, marks and single letters do not.</summary>
    private static bool IsWord(string text) => text.Count(char.IsLetter) >= 3 && text.Trim().All(character => char.IsLetter(character) || character is '\'' or '-');
}
