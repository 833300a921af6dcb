using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using DiPaCo.Core;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// Blobs as files of a folder: <c>ab/abcdef…</c>. File names are hashes and nothing else, so none can leave the folder.
/// A file is hashed before its first use in this process; the verdict holds as long as its size and time stay the same.
/// </summary>
public sealed class FolderBlobStore : IBlobStore
{
    private const int ReadBytes = 1 << 20;

    private readonly string _folder;
    private readonly IStorageSteps _steps;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<BlobHash, FileStamp> _verified = new();

    /// <summary>Uses a folder, which need not exist before the first blob.</summary>
    public FolderBlobStore(string folder, IStorageSteps? steps = null, TimeProvider? time = null)
    {
        _folder = Path.GetFullPath(folder);
        _steps = steps ?? SilentStorageSteps.Instance;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Whether a store's folder holds any blob, damaged or not.</summary>
    internal static bool HoldsBlobs(string folder) => Directory.Exists(folder) && new FolderBlobStore(folder).ListHashes().Count > 0;

    /// <inheritdoc/>
    public async Task<BlobHash> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        using DurableFile file = DurableFile.Create(_folder, _steps);
        await write(file.Stream, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        long bytes = file.Stream.Length;
        BlobHash hash = file.Finish();
        if (!TryRenew(hash, bytes))
        {
            Commit(file, hash);
        }

        return hash;
    }

    /// <inheritdoc/>
    public Task<BlobHash> PutAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        BlobHash hash = BlobHash.Of(bytes.Span);
        if (!TryRenew(hash, bytes.Length))
        {
            using DurableFile file = DurableFile.Create(_folder, _steps);
            file.Stream.Write(bytes.Span);
            Commit(file, hash);
        }

        return Task.FromResult(hash);
    }

    /// <inheritdoc/>
    public Task<bool> ExistsAsync(BlobHash hash, CancellationToken cancellationToken) => Task.FromResult(File.Exists(PathOf(hash)));

    /// <inheritdoc/>
    public async Task<Stream> OpenReadAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        string path = await GetFileAsync(hash, cancellationToken);
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, ReadBytes, FileOptions.SequentialScan);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "read", path);
        }
    }

    /// <inheritdoc/>
    public async Task<string> GetFileAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        string path = PathOf(hash);
        if (!TryStamp(path, out FileStamp stamp))
        {
            throw new MissingBlobException(hash, path);
        }

        if (!_verified.TryGetValue(hash, out FileStamp verified) || verified != stamp)
        {
            BlobHash found = await Task.Run(() => HashFile(path, cancellationToken), cancellationToken);
            if (found != hash)
            {
                throw new DamagedBlobException(path, hash, found);
            }

            _verified[hash] = stamp;
        }

        return path;
    }

    /// <inheritdoc/>
    public async Task<BlobCondition> VerifyAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        _verified.TryRemove(hash, out _);
        try
        {
            await GetFileAsync(hash, cancellationToken);
            return BlobCondition.Intact;
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
        cancellationToken.ThrowIfCancellationRequested();
        _verified.TryRemove(hash, out _);
        string path = PathOf(hash);
        if (!File.Exists(path))
        {
            return Task.FromResult(false);
        }

        try
        {
            File.Delete(path);
            _steps.Reached(StorageStep.BlobDeleted, path);
            return Task.FromResult(true);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "delete", path);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobInfo> EnumerateAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (BlobHash hash in await Task.Run(ListHashes, cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryStamp(PathOf(hash), out FileStamp stamp))
            {
                yield return new BlobInfo(hash, stamp.Bytes, stamp.Written);
            }
        }
    }

    private string PathOf(BlobHash hash) => Path.Combine(_folder, hash.Hex[..2], hash.Hex);

    private void Commit(DurableFile file, BlobHash hash)
    {
        string path = PathOf(hash);
        file.Commit(path);
        // What this process has just hashed and handed to the disk needs no second look.
        if (TryStamp(path, out FileStamp stamp))
        {
            _verified[hash] = stamp;
        }
    }

    /// <summary>
    /// Whether the blob is there in its full size. Its time moves to now: a collector that spares what is young must not
    /// take a blob that somebody is about to refer to.
    /// </summary>
    private bool TryRenew(BlobHash hash, long bytes)
    {
        string path = PathOf(hash);
        if (!TryStamp(path, out FileStamp stamp) || stamp.Bytes != bytes)
        {
            return false;
        }

        try
        {
            File.SetLastWriteTimeUtc(path, _time.GetUtcNow().UtcDateTime);
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "renew", path);
        }

        if (_verified.TryGetValue(hash, out FileStamp verified) && verified == stamp && TryStamp(path, out FileStamp renewed))
        {
            _verified[hash] = renewed;
        }

        return true;
    }

    private List<BlobHash> ListHashes()
    {
        List<BlobHash> hashes = [];
        if (!Directory.Exists(_folder))
        {
            return hashes;
        }

        foreach (string folder in Directory.EnumerateDirectories(_folder))
        {
            foreach (string file in Directory.EnumerateFiles(folder))
            {
                string name = Path.GetFileName(file);
                if (BlobHash.TryParse(name, out BlobHash hash) && name.StartsWith(Path.GetFileName(folder), StringComparison.Ordinal))
                {
                    hashes.Add(hash);
                }
            }
        }

        hashes.Sort();
        return hashes;
    }

    private static BlobHash HashFile(string path, CancellationToken cancellationToken)
    {
        try
        {
            using SafeFileHandle handle = File.OpenHandle(path, options: FileOptions.SequentialScan);
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] buffer = new byte[ReadBytes];
            long offset = 0;
            for (int read; (read = RandomAccess.Read(handle, buffer, offset)) > 0; offset += read)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.AppendData(buffer, 0, read);
            }

            return BlobHash.FromDigest(hash.GetHashAndReset());
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "read", path);
        }
    }

    private static bool TryStamp(string path, out FileStamp stamp)
    {
        var file = new FileInfo(path);
        stamp = file.Exists ? new FileStamp(file.Length, file.LastWriteTimeUtc) : default;
        return file.Exists;
    }

    private readonly record struct FileStamp(long Bytes, DateTimeOffset Written);
}
