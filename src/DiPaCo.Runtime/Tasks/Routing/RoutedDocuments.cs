using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>The documents of a corpus as routers see them, numbered from 0 in the order of the corpus. Owns the feature files.</summary>
internal sealed class RoutedDocuments : IDisposable
{
    /// <summary>Features up to this size are kept in memory; beyond it every pass reads them from the disk.</summary>
    public const long LargestInMemory = 1L << 30;

    private readonly IFeatureSource[] _sources;

    private RoutedDocuments(TokenCorpus corpus, IFeatureSource[] sources)
    {
        _sources = sources;
        Ids = [.. corpus.Chunks.SelectMany((chunk, c) => Enumerable.Range(0, chunk.DocumentCount).Select(d => new DocumentId(c, d)))];
        Entries = [.. Ids.Select(id => corpus[id])];
        ulong[] origins = [.. Entries.Select(entry => entry.OriginHash)];
        Input = new RouterInput(sources.Length == 0 ? null : new JoinedFeatures(sources), origins);
    }

    /// <summary>Where each document is.</summary>
    public DocumentId[] Ids { get; }

    /// <summary>What is known of each.</summary>
    public DocumentEntry[] Entries { get; }

    /// <summary>Features and origins.</summary>
    public RouterInput Input { get; }

    /// <summary>
    /// Numbers of the documents that are worth a place in a shard and that the filter lets pass, ascending. A document that is not
    /// longer than the prefix makes no sequence: it would only distort clusters and the sizes of shards.
    /// </summary>
    public int[] Usable(int prefixTokens, Func<DocumentEntry, bool> filter) =>
        [.. Enumerable.Range(0, Ids.Length).Where(i => Entries[i].TokenCount > prefixTokens && filter(Entries[i]))];

    /// <summary>Numbers of documents of the corpus.</summary>
    public int[] NumbersOf(IEnumerable<DocumentId> documents)
    {
        Dictionary<DocumentId, int> numberOf = [];
        for (int i = 0; i < Ids.Length; i++)
        {
            numberOf[Ids[i]] = i;
        }

        return [.. documents.Select(document => numberOf[document])];
    }

    /// <summary>Joins a corpus and the feature files of its chunks.</summary>
    /// <param name="corpus">The corpus; not owned.</param>
    /// <param name="featureFiles">One file a chunk; none where the router needs no features.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <param name="largestInMemory">Bytes of features that are kept in memory.</param>
    /// <exception cref="DiPaCoException">A feature file is damaged or belongs to another chunk.</exception>
    public static RoutedDocuments Of(
        TokenCorpus corpus, IReadOnlyList<string> featureFiles, CancellationToken cancellationToken, long largestInMemory = LargestInMemory)
    {
        bool inMemory = featureFiles.Sum(file => new FileInfo(file).Length) <= largestInMemory;
        IFeatureSource[] sources = new IFeatureSource[featureFiles.Count];
        RoutedDocuments? documents = null;
        try
        {
            for (int c = 0; c < sources.Length; c++)
            {
                sources[c] = inMemory ? FeatureCodec.Read(featureFiles[c], cancellationToken) : FeatureFile.Open(featureFiles[c]);
                if (sources[c].Rows != corpus.Chunks[c].DocumentCount || sources[c].Width != sources[0].Width)
                {
                    throw new DiPaCoException(
                        $"'{featureFiles[c]}' has {sources[c].Width} features of {sources[c].Rows} documents; {sources[0].Width} of {corpus.Chunks[c].DocumentCount}, as its token chunk has, were expected. "
                        + "The run is damaged: 'dipaco verify' says more.");
                }
            }

            documents = new RoutedDocuments(corpus, sources);
            return documents;
        }
        finally
        {
            if (documents is null)
            {
                Close(sources);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Close(_sources);

    private static void Close(IFeatureSource?[] sources)
    {
        foreach (IDisposable file in sources.OfType<IDisposable>())
        {
            file.Dispose();
        }
    }
}
