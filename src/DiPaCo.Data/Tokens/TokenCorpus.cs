using System.Diagnostics.CodeAnalysis;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>A tokenized corpus: its chunks in order. Owns them.</summary>
public sealed class TokenCorpus : IDisposable
{
    private readonly int[][] _sourceOfChunk;

    /// <summary>Takes over the chunks.</summary>
    /// <exception cref="DiPaCoException">There are none, or they were made with different vocabularies.</exception>
    public TokenCorpus(IReadOnlyList<TokenChunk> chunks)
    {
        if (chunks.Count == 0)
        {
            throw new DiPaCoException("The corpus has no tokens: it was empty when it was tokenized.");
        }

        if (chunks.FirstOrDefault(chunk => chunk.VocabularySize != chunks[0].VocabularySize) is { } other)
        {
            throw new DiPaCoException($"The corpus mixes chunks of {chunks[0].VocabularySize} and {other.VocabularySize} vocabulary entries. Tokenize it again.");
        }

        Chunks = chunks;
        Sources = [.. chunks.SelectMany(chunk => chunk.Sources).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        Dictionary<string, int> index = Sources.Select((name, i) => (name, i)).ToDictionary(entry => entry.name, entry => entry.i, StringComparer.Ordinal);
        _sourceOfChunk = [.. chunks.Select(chunk => chunk.Sources.Select(name => index[name]).ToArray())];
    }

    /// <summary>The chunks; <see cref="DocumentId.Chunk"/> counts them.</summary>
    public IReadOnlyList<TokenChunk> Chunks { get; }

    /// <summary>The names of all sources, in ordinal order.</summary>
    public IReadOnlyList<string> Sources { get; }

    /// <summary>Token ids are below this.</summary>
    public int VocabularySize => Chunks[0].VocabularySize;

    /// <summary>Documents of all splits.</summary>
    public long DocumentCount => Chunks.Sum(chunk => (long)chunk.DocumentCount);

    /// <summary>Tokens of all splits.</summary>
    public long TokenCount => Chunks.Sum(chunk => chunk.TokenCount);

    /// <summary>A document's entry; its <see cref="DocumentEntry.Source"/> counts in <see cref="Sources"/> of the corpus.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such document.</exception>
    public DocumentEntry this[DocumentId id]
    {
        get
        {
            DocumentEntry entry = Chunk(id)[id.Document];
            return entry with { Source = _sourceOfChunk[id.Chunk][entry.Source] };
        }
    }

    /// <summary>Maps the chunk files, in this order.</summary>
    /// <exception cref="DiPaCoException">A file is missing or damaged, or there are none.</exception>
    public static TokenCorpus Open(IReadOnlyList<string> paths)
    {
        var chunks = new List<TokenChunk>();
        try
        {
            foreach (string path in paths)
            {
                chunks.Add(TokenChunk.Open(path));
            }

            return new TokenCorpus(chunks);
        }
        catch (DiPaCoException)
        {
            chunks.ForEach(chunk => chunk.Dispose());
            throw;
        }
    }

    /// <summary>The documents of a split, in the order of their ids.</summary>
    public IEnumerable<DocumentId> Documents(Split split)
    {
        for (int chunk = 0; chunk < Chunks.Count; chunk++)
        {
            for (int document = 0; document < Chunks[chunk].DocumentCount; document++)
            {
                if (Chunks[chunk][document].Split == split)
                {
                    yield return new DocumentId(chunk, document);
                }
            }
        }
    }

    /// <summary>Copies tokens of a document.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such document, or it does not have so many tokens.</exception>
    public void CopyTokens(DocumentId id, int start, Span<int> tokens) => Chunk(id).CopyTokens(id.Document, start, tokens);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TokenChunk chunk in Chunks)
        {
            chunk.Dispose();
        }
    }

    [SuppressMessage("Usage", "CA2208", Justification = "The chunk is part of the id.")]
    private TokenChunk Chunk(DocumentId id) => (uint)id.Chunk < (uint)Chunks.Count
        ? Chunks[id.Chunk]
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"The corpus has {Chunks.Count} chunks.");
}
