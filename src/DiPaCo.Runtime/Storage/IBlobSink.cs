using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>Takes bytes and keeps them under their SHA-256.</summary>
public interface IBlobSink
{
    /// <summary>
    /// Stores what <paramref name="write"/> writes, front to back, into the stream that it is given. A blob that is there
    /// already is left alone, but counts as put now. On return the blob is durable.
    /// </summary>
    /// <exception cref="StorageException">The disk is full or the store cannot be written to; nothing is left behind.</exception>
    Task<BlobHash> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken);

    /// <summary>Stores bytes that are in memory.</summary>
    /// <exception cref="StorageException">The disk is full or the store cannot be written to; nothing is left behind.</exception>
    Task<BlobHash> PutAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);
}
