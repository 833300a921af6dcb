using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>Reads from two stores and writes into the upper one: a look at a run that leaves no trace in it.</summary>
/// <param name="upper">Receives new blobs; asked first.</param>
/// <param name="lower">Only read.</param>
public sealed class LayeredBlobStore(IBlobStore upper, IBlobStore lower) : IBlobStore
{
    /// <inheritdoc/>
    public Task<BlobHash> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken) =>
        upper.PutAsync(write, cancellationToken);

    /// <inheritdoc/>
    public Task<BlobHash> PutAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => upper.PutAsync(bytes, cancellationToken);

    /// <inheritdoc/>
    public Task PutFileAsync(string file, BlobHash expected, CancellationToken cancellationToken) =>
        upper.PutFileAsync(file, expected, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> RenewAsync(BlobHash hash, long bytes, CancellationToken cancellationToken) => upper.RenewAsync(hash, bytes, cancellationToken);

    /// <inheritdoc/>
    public async Task<BlobInfo?> FindAsync(BlobHash hash, CancellationToken cancellationToken) =>
        await upper.FindAsync(hash, cancellationToken) ?? await lower.FindAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public async Task<bool> ExistsAsync(BlobHash hash, CancellationToken cancellationToken) =>
        await upper.ExistsAsync(hash, cancellationToken) || await lower.ExistsAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(BlobHash hash, CancellationToken cancellationToken) =>
        await (await OwnerAsync(hash, cancellationToken)).OpenReadAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public async Task<string> GetFileAsync(BlobHash hash, CancellationToken cancellationToken) =>
        await (await OwnerAsync(hash, cancellationToken)).GetFileAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public async Task<BlobCondition> VerifyAsync(BlobHash hash, CancellationToken cancellationToken) =>
        await (await OwnerAsync(hash, cancellationToken)).VerifyAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> DeleteAsync(BlobHash hash, CancellationToken cancellationToken) => upper.DeleteAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<BlobInfo> EnumerateAsync(CancellationToken cancellationToken) => upper.EnumerateAsync(cancellationToken);

    private async Task<IBlobStore> OwnerAsync(BlobHash hash, CancellationToken cancellationToken) =>
        await upper.ExistsAsync(hash, cancellationToken) ? upper : lower;
}
