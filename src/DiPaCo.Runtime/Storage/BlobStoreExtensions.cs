using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>Conveniences that every store has.</summary>
public static class BlobStoreExtensions
{
    /// <summary>Stores what a synchronous writer writes.</summary>
    public static Task<BlobHash> PutAsync(this IBlobSink store, Action<Stream> write, CancellationToken cancellationToken) =>
        store.PutAsync(
            (stream, _) =>
            {
                write(stream);
                return Task.CompletedTask;
            },
            cancellationToken);

    /// <summary>Reads a verified blob into memory.</summary>
    /// <exception cref="StorageException">The blob is larger than <paramref name="maximumBytes"/>.</exception>
    public static async Task<byte[]> ReadAllBytesAsync(this IBlobStore store, BlobHash hash, int maximumBytes, CancellationToken cancellationToken)
    {
        await using Stream stream = await store.OpenReadAsync(hash, cancellationToken);
        if (stream.Length > maximumBytes)
        {
            throw new StorageException(hash.Hex, $"The blob {hash} has {stream.Length} bytes where at most {maximumBytes} are expected: it is not of the kind that it is used as.");
        }

        byte[] bytes = new byte[stream.Length];
        await stream.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }
}
