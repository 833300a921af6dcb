using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Opens token chunks of a store.</summary>
internal sealed class TokenFiles : IDisposable
{
    private readonly List<TokenCorpus> _corpora = [];

    private TokenFiles()
    {
    }

    /// <summary>One corpus per list of chunks.</summary>
    public IReadOnlyList<TokenCorpus> Corpora => _corpora;

    /// <summary>The chunks as one corpus, which the caller disposes.</summary>
    public static async Task<TokenCorpus> OpenAsync(ImmutableArray<BlobHash> chunks, IBlobStore store, CancellationToken cancellationToken)
    {
        List<string> files = [];
        foreach (BlobHash chunk in chunks)
        {
            files.Add(await store.GetFileAsync(chunk, cancellationToken));
        }

        return TokenCorpus.Open(files);
    }

    /// <summary>Several corpora, which are disposed together.</summary>
    public static async Task<TokenFiles> OpenAllAsync(IEnumerable<ImmutableArray<BlobHash>> lists, IBlobStore store, CancellationToken cancellationToken)
    {
        TokenFiles? files = new();
        TokenFiles opened = files;
        try
        {
            foreach (ImmutableArray<BlobHash> chunks in lists)
            {
                files._corpora.Add(await OpenAsync(chunks, store, cancellationToken));
            }

            files = null;
            return opened;
        }
        finally
        {
            files?.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TokenCorpus corpus in _corpora)
        {
            corpus.Dispose();
        }
    }
}
