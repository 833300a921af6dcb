using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// The order in which held-out documents are taken where not all of them are scored. It follows from each document alone, before any
/// router has seen it, so all models and topologies on one corpus score the same documents.
/// </summary>
internal static class HeldOutRank
{
    /// <summary>The rank of all documents together: nothing is left out.</summary>
    public const ulong All = ulong.MaxValue;

    /// <summary>
    /// A document's rank, as good as random: neighbors in a corpus are often alike. The origin's own hash would not do, since its first
    /// bits chose the split; the bytes tell parts of one original from each other, whatever the tokenizer.
    /// </summary>
    public static ulong Of(in DocumentEntry entry) => Mixed(Mixed(entry.OriginHash) + (ulong)entry.ByteCount);

    /// <summary>The documents of a split up to a rank that are worth scoring, in the order of the corpus.</summary>
    /// <param name="corpus">The corpus, or the part of it that went to one path.</param>
    /// <param name="split">The split.</param>
    /// <param name="prefixTokens">Documents that are not longer have nothing to predict.</param>
    /// <param name="lastRank">The largest rank that is scored.</param>
    public static DocumentId[] Documents(TokenCorpus corpus, Split split, int prefixTokens, ulong lastRank)
    {
        List<DocumentId> documents = [];
        foreach (DocumentId id in corpus.Documents(split))
        {
            DocumentEntry entry = corpus[id];
            if (entry.TokenCount > prefixTokens && Of(entry) <= lastRank)
            {
                documents.Add(id);
            }
        }

        return [.. documents];
    }

    // The finalizer of SplitMix64: a bijection, so different origins never become one.
    private static ulong Mixed(ulong value)
    {
        value += 0x9E37_79B9_7F4A_7C15;
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
