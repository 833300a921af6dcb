using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Opens token chunks of a store.</summary>
internal static class TokenFiles
{
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
}
