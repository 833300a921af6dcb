using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// The documents assigned to a path (paper §2.4), in the order of their ids, each once. With overlap one document is in several shards,
/// never twice in one.
/// </summary>
public sealed class Shard
{
    private readonly ShardDocument[] _documents;

    private Shard(ShardDocument[] documents) => _documents = documents;

    /// <summary>The documents, in the order of their ids.</summary>
    public IReadOnlyList<ShardDocument> Documents => _documents;

    /// <summary>Tokens of all documents: the shard's size in the weights of the outer step.</summary>
    public long TokenCount => _documents.Sum(document => (long)document.TokenCount);

    /// <summary>A shard of these documents; sorts them and drops repetitions.</summary>
    public static Shard Of(TokenCorpus corpus, IEnumerable<DocumentId> documents) =>
        new([.. documents.Distinct().Order().Select(id => new ShardDocument(id, corpus[id].TokenCount))]);

    /// <summary>Checks that the shard is one of this corpus.</summary>
    /// <exception cref="DiPaCoException">A document is missing there or has another length.</exception>
    public void CheckAgainst(TokenCorpus corpus)
    {
        foreach (ShardDocument document in _documents)
        {
            bool known = document.Id.Chunk < corpus.Chunks.Count && document.Id.Document < corpus.Chunks[document.Id.Chunk].DocumentCount;
            if (!known || corpus[document.Id].TokenCount != document.TokenCount)
            {
                throw new DiPaCoException($"The shard names document {document.Id} of {document.TokenCount} tokens, which this corpus does not have. The shard belongs to another corpus or tokenizer.");
            }
        }
    }
}
