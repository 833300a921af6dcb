using DiPaCo.Cluster.Blobs;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster.Tests.Support;

/// <summary>A store whose blobs can be read at another server.</summary>
internal sealed class PresigningStore(BlobServer bucket) : IBlobStore, IPresignedBlobs
{
    public Task<Uri?> PresignAsync(BlobHash hash, TimeSpan lifetime, CancellationToken cancellationToken) => Task.FromResult<Uri?>(new Uri(bucket.Address, $"blobs/{hash}?signature=x"));

    public Task<BlobHash> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken) => bucket.Store.PutAsync(write, cancellationToken);

    public Task<BlobHash> PutAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => bucket.Store.PutAsync(bytes, cancellationToken);

    public Task PutFileAsync(string file, BlobHash expected, CancellationToken cancellationToken) => bucket.Store.PutFileAsync(file, expected, cancellationToken);

    public Task<bool> RenewAsync(BlobHash hash, long bytes, CancellationToken cancellationToken) => bucket.Store.RenewAsync(hash, bytes, cancellationToken);

    public Task<BlobInfo?> FindAsync(BlobHash hash, CancellationToken cancellationToken) => bucket.Store.FindAsync(hash, cancellationToken);

    public Task<bool> ExistsAsync(BlobHash hash, CancellationToken cancellationToken) => bucket.Store.ExistsAsync(hash, cancellationToken);

    public Task<Stream> OpenReadAsync(BlobHash hash, CancellationToken cancellationToken) => bucket.Store.OpenReadAsync(hash, cancellationToken);

    public Task<string> GetFileAsync(BlobHash hash, CancellationToken cancellationToken) => bucket.Store.GetFileAsync(hash, cancellationToken);

    public Task<BlobCondition> VerifyAsync(BlobHash hash, CancellationToken cancellationToken) => bucket.Store.VerifyAsync(hash, cancellationToken);

    public Task<bool> DeleteAsync(BlobHash hash, CancellationToken cancellationToken) => bucket.Store.DeleteAsync(hash, cancellationToken);

    public IAsyncEnumerable<BlobInfo> EnumerateAsync(CancellationToken cancellationToken) => bucket.Store.EnumerateAsync(cancellationToken);
}
