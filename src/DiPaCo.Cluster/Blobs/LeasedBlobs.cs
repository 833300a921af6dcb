using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster.Blobs;

/// <summary>
/// A remote store as one task sees it: every file that the task gets stays in the cache until the task ends and this is disposed.
/// </summary>
/// <param name="store">The store, which the caller keeps.</param>
public sealed class LeasedBlobs(RemoteBlobStore store) : IBlobStore, IDisposable
{
    private readonly Dictionary<BlobHash, BlobLease> _leases = [];

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
    public async Task<string> GetFileAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        BlobLease lease = await store.LeaseAsync(hash, cancellationToken);
        lock (_leases)
        {
            if (!_leases.TryAdd(hash, lease))
            {
                lease.Dispose();
            }
        }

        return lease.Path;
    }

    /// <inheritdoc/>
    public Task<BlobCondition> VerifyAsync(BlobHash hash, CancellationToken cancellationToken) => store.VerifyAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> DeleteAsync(BlobHash hash, CancellationToken cancellationToken) => store.DeleteAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<BlobInfo> EnumerateAsync(CancellationToken cancellationToken) => store.EnumerateAsync(cancellationToken);

    /// <summary>Lets the cache evict the files again.</summary>
    public void Dispose()
    {
        lock (_leases)
        {
            foreach (BlobLease lease in _leases.Values)
            {
                lease.Dispose();
            }

            _leases.Clear();
        }
    }
}
