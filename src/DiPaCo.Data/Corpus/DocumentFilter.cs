using System.Runtime.CompilerServices;

namespace DiPaCo.Data;

/// <summary>Chooses among documents while they stream by.</summary>
public static class DocumentFilter
{
    /// <summary>The documents of one split.</summary>
    public static async IAsyncEnumerable<Document> InSplit(
        this IAsyncEnumerable<Document> documents, SplitFractions fractions, Split split, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (Document document in documents.WithCancellation(cancellationToken))
        {
            if (fractions.Of(DocumentOrigin.Hash(document.Origin)) == split)
            {
                yield return document;
            }
        }
    }
}
