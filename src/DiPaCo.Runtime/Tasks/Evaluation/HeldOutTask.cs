using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="HeldOutSpec"/>.</summary>
internal static class HeldOutTask
{
    public static TaskResult Execute(HeldOutSpec spec, TokenCorpus corpus)
    {
        DocumentId[] documents = HeldOutRank.Documents(corpus, spec.Split, spec.PrefixTokens, HeldOutRank.All);
        ulong[] ranks = [.. documents.Select(id => HeldOutRank.Of(corpus[id])).Order()];
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty,
            JsonSerializer.Serialize(Choose(ranks, spec.MaxDocuments), TaskJson.Options));
    }

    /// <summary>
    /// The most documents of the lowest ranks. Documents that cannot be told apart, which are parts of one original of equally many
    /// bytes, are taken or left together: a path's shard does not know which of them came first.
    /// </summary>
    /// <param name="ranks">Ascending.</param>
    /// <param name="most">Documents at most, or those of the first rank if they are more; 0: all.</param>
    internal static HeldOutMetrics Choose(ReadOnlySpan<ulong> ranks, int most)
    {
        if (most == 0 || most >= ranks.Length)
        {
            return new HeldOutMetrics(ranks.Length, HeldOutRank.All);
        }

        int count = most;
        while (count > 0 && ranks[count - 1] == ranks[most])
        {
            count--;
        }

        if (count == 0)
        {
            count = most;
            while (count < ranks.Length && ranks[count] == ranks[0])
            {
                count++;
            }
        }

        return new HeldOutMetrics(count, ranks[count - 1]);
    }
}
