using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// Holds immutable bytes under their SHA-256. Everything that leaves the store has been verified against its name at
/// least once by this process. All members may be called from several threads and processes at once.
/// </summary>
public interface IBlobStore : IBlobSink
{
    /// <summary>
    /// Stores a finished file under <paramref name="expected"/> if that is the SHA-256 of its bytes. The file is consumed: moved
    /// into the store or deleted, also where it is refused.
    /// </summary>
    /// <exception cref="BlobMismatchException">The bytes have another hash; the store is as it was.</exception>
    /// <exception cref="StorageException">The disk is full, the file cannot be read or the store cannot be written to.</exception>
    Task PutFileAsync(string file, BlobHash expected, CancellationToken cancellationToken);

    /// <summary>
    /// Counts a blob as put now, which keeps it from a collector that spares what is young. False if it is not there, or not in
    /// <paramref name="bytes"/> bytes: it has to be put then.
    /// </summary>
    Task<bool> RenewAsync(BlobHash hash, long bytes, CancellationToken cancellationToken);

    /// <summary>What is known of a blob without reading it; null if it is not there.</summary>
    Task<BlobInfo?> FindAsync(BlobHash hash, CancellationToken cancellationToken);

    /// <summary>Whether the blob is there; says nothing of its bytes.</summary>
    Task<bool> ExistsAsync(BlobHash hash, CancellationToken cancellationToken);

    /// <summary>Opens a verified blob for reading.</summary>
    /// <exception cref="MissingBlobException">The blob is not there.</exception>
    /// <exception cref="DamagedBlobException">Its bytes do not match its name.</exception>
    Task<Stream> OpenReadAsync(BlobHash hash, CancellationToken cancellationToken);

    /// <summary>
    /// The path of a local, verified file with the blob's bytes, for memory mapping and large reads. A remote store
    /// downloads it into its cache. The file is not to be changed and stays as long as the blob does.
    /// </summary>
    /// <exception cref="MissingBlobException">The blob is not there.</exception>
    /// <exception cref="DamagedBlobException">Its bytes do not match its name.</exception>
    Task<string> GetFileAsync(BlobHash hash, CancellationToken cancellationToken);

    /// <summary>Reads the whole blob again, whatever was found before.</summary>
    Task<BlobCondition> VerifyAsync(BlobHash hash, CancellationToken cancellationToken);

    /// <summary>Removes a blob; returns whether it was there.</summary>
    Task<bool> DeleteAsync(BlobHash hash, CancellationToken cancellationToken);

    /// <summary>All blobs, ordered by hash.</summary>
    IAsyncEnumerable<BlobInfo> EnumerateAsync(CancellationToken cancellationToken);
}
