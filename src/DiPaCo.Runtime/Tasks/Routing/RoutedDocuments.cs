using DiPaCo.Data;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>The documents of a corpus as routers see them, numbered from 0 in the order of the corpus.</summary>
/// <param name="Ids">Where each document is.</param>
/// <param name="Entries">What is known of each.</param>
/// <param name="Input">Features and origins.</param>
internal sealed record RoutedDocuments(DocumentId[] Ids, DocumentEntry[] Entries, RouterInput Input)
{
    /// <summary>Numbers of the documents that the filter lets pass, ascending.</summary>
    public int[] Where(Func<DocumentEntry, bool> filter) => [.. Enumerable.Range(0, Ids.Length).Where(i => filter(Entries[i]))];

    /// <summary>Joins a corpus and the feature files of its chunks.</summary>
    /// <exception cref="Core.DiPaCoException">A feature file is damaged or belongs to another chunk.</exception>
    public static RoutedDocuments Of(TokenCorpus corpus, IReadOnlyList<string> featureFiles, CancellationToken cancellationToken)
    {
        DocumentId[] ids = [.. corpus.Chunks.SelectMany((chunk, c) => Enumerable.Range(0, chunk.DocumentCount).Select(d => new DocumentId(c, d)))];
        DocumentEntry[] entries = [.. ids.Select(id => corpus[id])];
        FeatureMatrix? all = null;
        int first = 0;
        for (int c = 0; c < featureFiles.Count; c++)
        {
            FeatureMatrix features = FeatureCodec.Read(featureFiles[c], cancellationToken);
            if (features.Rows != corpus.Chunks[c].DocumentCount)
            {
                throw new Core.DiPaCoException(
                    $"'{featureFiles[c]}' has features of {features.Rows} documents; its token chunk has {corpus.Chunks[c].DocumentCount}. The run is damaged: 'dipaco verify' says more.");
            }

            all ??= new FeatureMatrix(ids.Length, features.Width);
            for (int row = 0; row < features.Rows; row++)
            {
                features.Row(row).CopyTo(all.Row(first + row));
            }

            first += features.Rows;
        }

        ulong[] origins = [.. entries.Select(entry => entry.OriginHash)];
        return new RoutedDocuments(ids, entries, new RouterInput(all, origins));
    }
}
