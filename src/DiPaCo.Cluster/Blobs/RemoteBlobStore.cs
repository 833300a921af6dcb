using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster.Blobs;

/// <summary>
/// A store at the other end of a network, with a local cache: downloads go on where they broke off, bytes are hashed before they
/// count, failures are tried again until a deadline. What a kind of store adds is one attempt at each operation.
/// </summary>
/// <remarks>The path that <see cref="GetFileAsync"/> returns may be evicted when the cache is full; <see cref="LeaseAsync"/> keeps it.</remarks>
public abstract class RemoteBlobStore : IBlobStore
{
    private const int BufferBytes = 256 << 10;

    // Bytes that were broken on an earlier way here, and then on the way again: a third time is the other end's fault.
    private const int MostMismatches = 2;

    private readonly KeyedTurns<BlobHash> _downloads = new();

    // Who brings a blob that is on its way already finds it there instead of sending it again. And to renew one can mean to copy an object onto itself: two such copies
    // at once have left a small store with an object that it could not read.
    private readonly KeyedTurns<BlobHash> _uploads = new();
    private readonly TransferAttempts _attempts;

    /// <summary>Creates the part that all kinds have.</summary>
    /// <param name="cache">Where downloads go; also holds what this process uploads.</param>
    /// <param name="options">Limits and patience.</param>
    /// <param name="time">The clock of pauses and deadlines.</param>
    protected RemoteBlobStore(BlobCache cache, RemoteBlobOptions options, TimeProvider? time)
    {
        Cache = cache;
        Options = options;
        _attempts = new TransferAttempts(options, time ?? TimeProvider.System, Counts, IsRetryable);
    }

    /// <summary>The local copies.</summary>
    public BlobCache Cache { get; }

    /// <summary>What went over the network.</summary>
    public TransferCounts Counts { get; } = new();

    /// <summary>Limits and patience.</summary>
    protected RemoteBlobOptions Options { get; }

    /// <inheritdoc/>
    public async Task<BlobHash> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        using BlobLease lease = await Cache.PutAsync(write, cancellationToken);
        await UploadAsync(lease, cancellationToken);
        return lease.Hash;
    }

    /// <inheritdoc/>
    public Task<BlobHash> PutAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        PutAsync(async (stream, cancellation) => await stream.WriteAsync(bytes, cancellation), cancellationToken);

    /// <inheritdoc/>
    public async Task PutFileAsync(string file, BlobHash expected, CancellationToken cancellationToken)
    {
        using BlobLease lease = await Cache.PutFileAsync(file, expected, cancellationToken);
        await UploadAsync(lease, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<bool> RenewAsync(BlobHash hash, long bytes, CancellationToken cancellationToken)
    {
        using KeyedTurns<BlobHash>.Turn turn = await _uploads.TakeAsync(hash, takeOver: false, cancellationToken);
        return await _attempts.RunAsync($"renew the blob {hash} at '{PlaceOf(hash)}'", progress => TryRenewAsync(hash, bytes, progress.Token), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<BlobInfo?> FindAsync(BlobHash hash, CancellationToken cancellationToken) =>
        _attempts.RunAsync($"look for the blob {hash} at '{PlaceOf(hash)}'", progress => TryFindAsync(hash, progress.Token), cancellationToken);

    /// <inheritdoc/>
    public async Task<bool> ExistsAsync(BlobHash hash, CancellationToken cancellationToken) => await FindAsync(hash, cancellationToken) is not null;

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        // An open file can be read to its end whatever the cache does with its name.
        using BlobLease lease = await LeaseAsync(hash, cancellationToken);
        return new FileStream(lease.Path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferBytes, FileOptions.SequentialScan);
    }

    /// <inheritdoc/>
    public async Task<string> GetFileAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        using BlobLease lease = await LeaseAsync(hash, cancellationToken);
        return lease.Path;
    }

    /// <summary>A local, verified file with the blob's bytes, which stays until the lease is disposed.</summary>
    /// <exception cref="MissingBlobException">The blob is not there.</exception>
    /// <exception cref="DamagedBlobException">Its bytes do not match its name, however often they are fetched.</exception>
    /// <exception cref="BlobTransferException">The other end refused, or was not to be had before the deadline.</exception>
    public async Task<BlobLease> LeaseAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        using KeyedTurns<BlobHash>.Turn turn = await _downloads.TakeAsync(hash, takeOver: false, cancellationToken);
        if (await Cache.TryLeaseAsync(hash, cancellationToken) is { } cached)
        {
            Counts.Hit();
            return cached;
        }

        return await DownloadAsync(hash, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<BlobCondition> VerifyAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        using IncrementalHash digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long length = 0;
        try
        {
            BlobHash found = await _attempts.RunAsync(
                $"verify the blob {hash} at '{PlaceOf(hash)}'",
                async progress =>
                {
                    using BlobContent content = await TryOpenAsync(hash, length, progress.Token);
                    if (content.Offset == 0 && length > 0)
                    {
                        digest.GetHashAndReset();
                        length = 0;
                    }

                    progress.StartAt(length);
                    await ReceiveAsync(
                        content,
                        bytes =>
                        {
                            digest.AppendData(bytes.Span);
                            length += bytes.Length;
                        },
                        progress);
                    ThrowIfCut(content, length);
                    return BlobHash.FromDigest(digest.GetHashAndReset());
                },
                cancellationToken);
            return found == hash ? BlobCondition.Intact : BlobCondition.Damaged;
        }
        catch (MissingBlobException)
        {
            return BlobCondition.Missing;
        }
        catch (DamagedBlobException)
        {
            return BlobCondition.Damaged;
        }
    }

    /// <inheritdoc/>
    public Task<bool> DeleteAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        Cache.Remove(hash);
        return _attempts.RunAsync($"delete the blob {hash} at '{PlaceOf(hash)}'", progress => TryDeleteAsync(hash, progress.Token), cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobInfo> EnumerateAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? next = null;
        do
        {
            string? at = next;
            BlobPage page = await _attempts.RunAsync($"list the blobs at '{Place}'", progress => TryListAsync(at, progress.Token), cancellationToken);
            foreach (BlobInfo blob in page.Blobs)
            {
                yield return blob;
            }

            next = page.Next;
        }
        while (next is not null);
    }

    /// <summary>The store, for messages.</summary>
    protected abstract string Place { get; }

    /// <summary>A blob's address, for messages; without anything secret.</summary>
    protected abstract string PlaceOf(BlobHash hash);

    /// <summary>Whether another attempt may fare better.</summary>
    protected virtual bool IsRetryable(Exception failure) =>
        failure is RetryableBlobException or HttpRequestException or IOException;

    /// <summary>What is known of a blob; null if it is not there.</summary>
    protected abstract Task<BlobInfo?> TryFindAsync(BlobHash hash, CancellationToken cancellationToken);

    /// <summary>Counts a blob of this size as put now; false if there is none.</summary>
    protected abstract Task<bool> TryRenewAsync(BlobHash hash, long bytes, CancellationToken cancellationToken);

    /// <summary>Opens a blob at a byte. Where it ends there or before, the content is empty.</summary>
    /// <exception cref="MissingBlobException">It is not there.</exception>
    protected abstract Task<BlobContent> TryOpenAsync(BlobHash hash, long offset, CancellationToken cancellationToken);

    /// <summary>Stores a verified file under its hash.</summary>
    /// <param name="lease">The file.</param>
    /// <param name="sending">Told of bytes that went out.</param>
    /// <param name="attempt">The number of this attempt, from 1.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    protected abstract Task TryUploadAsync(BlobLease lease, IProgress<long> sending, int attempt, CancellationToken cancellationToken);

    /// <summary>Removes a blob; returns whether it was there.</summary>
    protected abstract Task<bool> TryDeleteAsync(BlobHash hash, CancellationToken cancellationToken);

    /// <summary>A part of the list.</summary>
    /// <param name="cursor">What the part before says; null for the first.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    protected abstract Task<BlobPage> TryListAsync(string? cursor, CancellationToken cancellationToken);

    /// <summary>Brings a blob of the cache to the store.</summary>
    internal async Task UploadAsync(BlobLease lease, CancellationToken cancellationToken)
    {
        using KeyedTurns<BlobHash>.Turn turn = await _uploads.TakeAsync(lease.Hash, takeOver: false, cancellationToken);
        await _attempts.RunAsync(
            $"upload the blob {lease.Hash} to '{PlaceOf(lease.Hash)}'",
            async progress =>
            {
                progress.Expect(lease.Bytes);
                await TryUploadAsync(lease, new Sending(progress, Counts), progress.Attempt, progress.Token);
                return true;
            },
            cancellationToken);
        Counts.Uploaded();
    }

    private async Task<BlobLease> DownloadAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        string part = Cache.BeginPart(hash);
        int mismatches = 0;
        try
        {
            BlobLease lease = await _attempts.RunAsync(
                $"download the blob {hash} from '{PlaceOf(hash)}'",
                async progress =>
                {
                    await GrowAsync(part, hash, progress);
                    try
                    {
                        return await Cache.PutFileAsync(part, hash, progress.Token);
                    }
                    catch (BlobMismatchException e)
                    {
                        throw ++mismatches < MostMismatches
                            ? new RetryableBlobException(e.Message, null, e)
                            : new DamagedBlobException(PlaceOf(hash), hash, e.Found);
                    }
                },
                cancellationToken);
            Counts.Downloaded();
            return lease;
        }
        finally
        {
            Cache.EndPart(hash);
        }
    }

    private async Task GrowAsync(string part, BlobHash hash, TransferProgress progress)
    {
        await using FileStream file = Storing(part, () => new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 0));
        using BlobContent content = await TryOpenAsync(hash, file.Length, progress.Token);
        if (content.Claimed is { } claimed)
        {
            ThrowIfTooLarge(hash, claimed);
            progress.Expect(claimed);
            Cache.MakeRoom(hash, claimed);
        }

        file.SetLength(content.Offset);
        file.Position = content.Offset;
        progress.StartAt(content.Offset);
        await ReceiveAsync(
            content,
            bytes =>
            {
                ThrowIfTooLarge(hash, file.Position + bytes.Length);
                Storing(part, () =>
                {
                    file.Write(bytes.Span);
                    return true;
                });
            },
            progress);
        ThrowIfCut(content, file.Position);
    }

    private static void ThrowIfCut(BlobContent content, long received)
    {
        if (content.Claimed is { } claimed && received < claimed)
        {
            throw new RetryableBlobException(string.Create(CultureInfo.InvariantCulture, $"The connection ended after {received} of {claimed} bytes."));
        }
    }

    /// <summary>What the disk refuses is not tried again, as what the network refuses is.</summary>
    private static T Storing<T>(string path, Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "write", path);
        }
    }

    private async Task ReceiveAsync(BlobContent content, Action<ReadOnlyMemory<byte>> take, TransferProgress progress)
    {
        byte[] buffer = new byte[BufferBytes];
        for (int read; (read = await content.Body.ReadAsync(buffer, progress.Token)) > 0;)
        {
            take(buffer.AsMemory(0, read));
            Counts.Received(read);
            progress.Advance(read);
        }
    }

    private void ThrowIfTooLarge(BlobHash hash, long bytes)
    {
        if (bytes > Options.MaximumBlobBytes)
        {
            throw new BlobTransferException(string.Create(
                CultureInfo.InvariantCulture,
                $"The blob {hash} at '{PlaceOf(hash)}' has {bytes} bytes or more, at most {Options.MaximumBlobBytes} are taken. Raise the limit for blobs if it is right."));
        }
    }

    private sealed class Sending(TransferProgress progress, TransferCounts counts) : IProgress<long>
    {
        public void Report(long value)
        {
            progress.Advance(value);
            counts.Sent(value);
        }
    }
}
