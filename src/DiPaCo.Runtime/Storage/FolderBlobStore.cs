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
    private readonly bool _flushes;
    private readonly ConcurrentDictionary<BlobHash, FileStamp> _verified = new();

    /// <summary>Uses a folder, which need not exist before the first blob.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="steps">Is told of each step; null: nobody listens.</param>
    /// <param name="time">The clock of the blobs' times; null: the system's.</param>
    /// <param name="flushes">Whether a blob survives a power failure once it is put. A cache need not wait for the disk: what is damaged, its hash tells.</param>
    public FolderBlobStore(string folder, IStorageSteps? steps = null, TimeProvider? time = null, bool flushes = true)
    {
        _folder = Path.GetFullPath(folder);
        _steps = steps ?? SilentStorageSteps.Instance;
        _time = time ?? TimeProvider.System;
        _flushes = flushes;
    }

    /// <summary>Whether a store's folder holds any blob, damaged or not.</summary>
    internal static bool HoldsBlobs(string folder) => Directory.Exists(folder) && new FolderBlobStore(folder).ListHashes().Count > 0;

    /// <inheritdoc/>
    public Task<BlobHash> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken) =>
        PutAsync(write, static (_, _) => { }, cancellationToken);

    /// <inheritdoc cref="PutAsync(Func{Stream, CancellationToken, Task}, CancellationToken)"/>
    /// <param name="write">Writes the bytes.</param>
    /// <param name="named">Is told the blob's name and size before the store has it under that name.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    internal async Task<BlobHash> PutAsync(Func<Stream, CancellationToken, Task> write, Action<BlobHash, long> named, CancellationToken cancellationToken)
    {
        using DurableFile file = DurableFile.Create(_folder, _steps);
        await write(file.Stream, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        long bytes = file.Stream.Length;
        BlobHash hash = file.Finish();
        named(hash, bytes);
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
    public async Task PutFileAsync(string file, BlobHash expected, CancellationToken cancellationToken)
    {
        // A move from another file system is a copy, so the file gets a temporary name here before it gets the final one.
        string temporary = TemporaryFiles.NewPath(_folder);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            DurableFile.CreateFolder(_folder);
            await Task.Run(() => File.Move(file, temporary), cancellationToken);
            using SafeFileHandle handle = File.OpenHandle(temporary, FileMode.Open, FileAccess.ReadWrite, FileShare.Delete);
            _steps.Reached(StorageStep.TemporaryWritten, temporary);
            BlobHash found = await Task.Run(() => HashFile(handle, cancellationToken), cancellationToken);
            if (found != expected)
            {
                throw new BlobMismatchException(file, expected, found);
            }

            if (!TryRenew(expected, RandomAccess.GetLength(handle)))
            {
                DurableFile.FlushAndRename(handle, temporary, PathOf(expected), _steps, _flushes);
                Trust(expected);
            }
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "store", file);
        }
        finally
        {
            DeleteQuietly(file);
            DeleteQuietly(temporary);
        }
    }

    /// <inheritdoc/>
    public Task<bool> RenewAsync(BlobHash hash, long bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(TryRenew(hash, bytes));
    }

    /// <inheritdoc/>
    public Task<BlobInfo?> FindAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<BlobInfo?>(TryStamp(PathOf(hash), out FileStamp stamp) ? new BlobInfo(hash, stamp.Bytes, stamp.Written) : null);
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
    public Task<string> GetFileAsync(BlobHash hash, CancellationToken cancellationToken) => GetFileAsync(hash, TaskScheduler.Default, cancellationToken);

    /// <inheritdoc cref="GetFileAsync(BlobHash, CancellationToken)"/>
    /// <param name="hash">The blob.</param>
    /// <param name="hashing">Where it is hashed, if it has to be.</param>
    /// <param name="cancellationToken">Ends the hashing.</param>
    public async Task<string> GetFileAsync(BlobHash hash, TaskScheduler hashing, CancellationToken cancellationToken)
    {
        string path = PathOf(hash);
        if (!TryStamp(path, out FileStamp stamp))
        {
            throw new MissingBlobException(hash, path);
        }

        if (!_verified.TryGetValue(hash, out FileStamp verified) || verified != stamp)
        {
            BlobHash found = await hashing.RunAsync(() => HashFile(path, cancellationToken), cancellationToken);
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
        return Task.FromResult(Delete(hash));
    }

    /// <summary>Removes a blob; returns whether it was there.</summary>
    internal bool Delete(BlobHash hash)
    {
        _verified.TryRemove(hash, out _);
        string path = PathOf(hash);
        if (!File.Exists(path))
        {
            return false;
        }

        try
        {
            File.Delete(path);
            _steps.Reached(StorageStep.BlobDeleted, path);
            return true;
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
        file.Commit(PathOf(hash), _flushes);
        Trust(hash);
    }

    /// <summary>What this process has just hashed and handed to the disk needs no second look.</summary>
    private void Trust(BlobHash hash)
    {
        if (TryStamp(PathOf(hash), out FileStamp stamp))
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

    private static void DeleteQuietly(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            // What brought us here matters more, and leftovers go at the next start.
        }
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
            return HashFile(handle, cancellationToken);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "read", path);
        }
    }

    /// <summary>The hash of an open file.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    internal static BlobHash HashFile(SafeFileHandle handle, CancellationToken cancellationToken)
    {
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

    private static bool TryStamp(string path, out FileStamp stamp)
    {
        var file = new FileInfo(path);
        stamp = file.Exists ? new FileStamp(file.Length, file.LastWriteTimeUtc) : default;
        return file.Exists;
    }

    private readonly record struct FileStamp(long Bytes, DateTimeOffset Written);
}
