using System.Runtime.ExceptionServices;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster.Blobs;

/// <summary>
/// A remote store as one task sees it: every file that the task gets stays in the cache until the task ends and this is disposed, and
/// what the task puts is on its way from then on, a few blobs at a time, while the task goes on; <see cref="UploadedAsync"/> waits for it.
/// </summary>
/// <param name="store">The store, which the caller keeps.</param>
/// <param name="ended">Whether the task is not wanted any more: uploads end with it, not with the calls that began them.</param>
public sealed class LeasedBlobs(RemoteBlobStore store, CancellationToken ended = default) : IBlobStore, IDisposable
{
    // On a slow network a blob waits for two answers, and meanwhile another can use the connection. More than a few would only share it.
    private const int UploadsAtOnce = 3;

    private readonly Dictionary<BlobHash, BlobLease> _leases = [];
    private readonly CancellationTokenSource _given = new();
    private readonly SemaphoreSlim _room = new(UploadsAtOnce);
    private readonly Dictionary<BlobHash, Task> _uploads = [];
    private Exception? _failure;

    /// <inheritdoc/>
    public async Task<BlobHash> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        BlobLease lease = await store.Cache.PutAsync(write, cancellationToken);
        Upload(lease);
        return lease.Hash;
    }

    /// <inheritdoc/>
    public Task<BlobHash> PutAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        PutAsync(async (stream, cancellation) => await stream.WriteAsync(bytes, cancellation), cancellationToken);

    /// <inheritdoc/>
    public async Task PutFileAsync(string file, BlobHash expected, CancellationToken cancellationToken) =>
        Upload(await store.Cache.PutFileAsync(file, expected, cancellationToken));

    /// <summary>Waits until everything that was put is in the store.</summary>
    /// <exception cref="BlobTransferException">Something could not be brought there; the rest was given up.</exception>
    public async Task UploadedAsync()
    {
        Task all;
        lock (_uploads)
        {
            all = Task.WhenAll(_uploads.Values);
        }

        await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_failure is { } failure)
        {
            // Not what became of the others when they were given up.
            ExceptionDispatchInfo.Throw(failure);
        }

        await all;
    }

    /// <summary>Gives up what is not in the store yet.</summary>
    public async Task AbandonAsync()
    {
        await _given.CancelAsync();
        await UploadedAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

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

        _room.Dispose();
        _given.Dispose();
    }

    private void Upload(BlobLease lease)
    {
        lock (_uploads)
        {
            if (_uploads.ContainsKey(lease.Hash))
            {
                // Two outputs with the same bytes are one blob.
                lease.Dispose();
                return;
            }

            _uploads[lease.Hash] = UploadAsync(lease);
        }
    }

    private async Task UploadAsync(BlobLease lease)
    {
        using (lease)
        {
            using var stopped = CancellationTokenSource.CreateLinkedTokenSource(ended, _given.Token);
            await _room.WaitAsync(stopped.Token);
            try
            {
                await store.UploadAsync(lease, stopped.Token);
            }
            catch (Exception exception)
            {
                if (!stopped.IsCancellationRequested)
                {
                    Interlocked.CompareExchange(ref _failure, exception, null);
                }

                await _given.CancelAsync();
                throw;
            }
            finally
            {
                _room.Release();
            }
        }
    }
}
