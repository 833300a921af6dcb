using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>A store that several runs share, as one of them sees it: what it lets go of may be another's, so that nothing is deleted here. A collector does that, who knows all runs.</summary>
/// <param name="store">The store.</param>
public sealed class KeepingBlobStore(IBlobStore store) : IBlobStore
{
    /// <inheritdoc/>
    public Task<BlobHash> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken) => store.PutAsync(write, cancellationToken);

    /// <inheritdoc/>
    public Task<BlobHash> PutAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => store.PutAsync(bytes, cancellationToken);

    /// <inheritdoc/>
    public Task PutFileAsync(string file, BlobHash expected, CancellationToken cancellationToken) => store.PutFileAsync(file, expected, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> RenewAsync(BlobHash hash, long bytes, CancellationToken cancellationToken) => store.RenewAsync(hash, bytes, cancellationToken);

    /// <inheritdoc/>
    public Task<BlobInfo?> FindAsync(BlobHash hash, CancellationToken cancellationToken) => store.FindAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> ExistsAsync(BlobHash hash, CancellationToken cancellationToken) => store.ExistsAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public Task<Stream> OpenReadAsync(BlobHash hash, CancellationToken cancellationToken) => store.OpenReadAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public Task<string> GetFileAsync(BlobHash hash, CancellationToken cancellationToken) => store.GetFileAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public Task<BlobCondition> VerifyAsync(BlobHash hash, CancellationToken cancellationToken) => store.VerifyAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> DeleteAsync(BlobHash hash, CancellationToken cancellationToken) => Task.FromResult(false);

    /// <inheritdoc/>
    public IAsyncEnumerable<BlobInfo> EnumerateAsync(CancellationToken cancellationToken) => store.EnumerateAsync(cancellationToken);
}
