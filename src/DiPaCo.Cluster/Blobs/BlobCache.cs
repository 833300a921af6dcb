using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Cluster.Blobs;

/// <summary>
/// Copies of blobs on the local disk, at most so many bytes: what was not used for longest goes first, what somebody has a lease
/// on stays. Whenever the process ends, the next one finds complete blobs, and of broken downloads the bytes that had come.
/// </summary>
/// <remarks>The order of use outlives the process in the files' times. Bytes are hashed before their first use in each process.</remarks>
public sealed class BlobCache : IDisposable
{
    private readonly CachePaths _paths;
    private readonly FolderBlobStore _blobs;
    private readonly SafeFileHandle _lock;
    private readonly Dictionary<BlobHash, CachedBlob> _index = [];
    private readonly LinkedList<BlobHash> _byUse = [];
    private readonly HashSet<BlobHash> _incoming = [];
    private long _bytes;

    private BlobCache(CachePaths paths, long maximumBytes, SafeFileHandle handle, TimeProvider? time)
    {
        _paths = paths;
        _lock = handle;
        MaximumBytes = maximumBytes;
        _blobs = new FolderBlobStore(paths.Blobs, time: time, flushes: false);
    }

    /// <summary>The folder that belongs to it.</summary>
    public string Folder => _paths.Folder;

    /// <summary>The most bytes that the cache holds. What is being written at the moment may come on top.</summary>
    public long MaximumBytes { get; }

    /// <summary>The bytes of all complete blobs.</summary>
    public long Bytes
    {
        get
        {
            lock (_index)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Opens a cache, and creates its folder if need be.</summary>
    /// <param name="folder">Belongs to this cache alone.</param>
    /// <param name="maximumBytes">The limit.</param>
    /// <param name="time">The clock of the order of use.</param>
    /// <param name="cancellationToken">Ends the listing of what is there.</param>
    /// <exception cref="StorageException">Another process uses the folder, or it cannot be written to.</exception>
    public static async Task<BlobCache> OpenAsync(string folder, long maximumBytes, TimeProvider? time, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumBytes);
        var paths = new CachePaths(Path.GetFullPath(folder));
        var cache = new BlobCache(paths, maximumBytes, paths.Lock(), time);
        try
        {
            TemporaryFiles.RemoveLeftovers(paths.Blobs, SilentStorageSteps.Instance);
            List<BlobInfo> found = [];
            await foreach (BlobInfo blob in cache._blobs.EnumerateAsync(cancellationToken))
            {
                found.Add(blob);
            }

            foreach (BlobInfo blob in found.OrderBy(blob => blob.LastPut).ThenBy(blob => blob.Hash))
            {
                cache.Pin(blob.Hash, blob.Bytes);
                cache.Release(blob.Hash);
            }

            cache.EvictDownTo(maximumBytes);
            return cache;
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    /// <summary>The hashes of the complete blobs, the last used first: what a worker tells of itself.</summary>
    /// <param name="maximum">At most so many.</param>
    public IReadOnlyList<BlobHash> LastUsed(int maximum)
    {
        lock (_index)
        {
            return [.. _byUse.Reverse().Take(maximum)];
        }
    }

    /// <summary>Leases a blob that is here; null if it is not, or is damaged, in which case it is removed.</summary>
    public async Task<BlobLease?> TryLeaseAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        lock (_index)
        {
            if (!_index.TryGetValue(hash, out CachedBlob? blob) || blob.Doomed)
            {
                return null;
            }

            Pin(hash, blob.Bytes);
        }

        try
        {
            return await LeaseOfPinnedAsync(hash, cancellationToken);
        }
        catch (Exception e) when (e is MissingBlobException or DamagedBlobException)
        {
            Doom(hash);
            Release(hash);
            return null;
        }
        catch
        {
            Release(hash);
            throw;
        }
    }

    /// <summary>Writes a blob into the cache and leases it.</summary>
    /// <exception cref="StorageException">The disk is full, or the cache too small; nothing is left behind.</exception>
    public async Task<BlobLease> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        BlobHash? pinned = null;
        try
        {
            // Pinned under its name before it is there, so that no eviction of an older copy can take it.
            BlobHash hash = await _blobs.PutAsync(
                write,
                (name, bytes) =>
                {
                    MakeRoom(name, bytes);
                    Pin(name, bytes);
                    pinned = name;
                },
                cancellationToken);
            return await LeaseOfPinnedAsync(hash, cancellationToken);
        }
        catch
        {
            if (pinned is { } name)
            {
                Doom(name);
                Release(name);
            }

            throw;
        }
    }

    /// <summary>Moves a finished file into the cache and leases it. The file is consumed, also where its hash is another.</summary>
    /// <exception cref="BlobMismatchException">The bytes have another hash.</exception>
    public async Task<BlobLease> PutFileAsync(string file, BlobHash expected, CancellationToken cancellationToken)
    {
        var found = new FileInfo(file);
        long bytes = found.Exists ? found.Length : 0;
        MakeRoom(expected, bytes);
        Pin(expected, bytes);
        try
        {
            await _blobs.PutFileAsync(file, expected, cancellationToken);
            return await LeaseOfPinnedAsync(expected, cancellationToken);
        }
        catch
        {
            Doom(expected);
            Release(expected);
            throw;
        }
    }

    /// <summary>Removes a blob, as soon as nobody has a lease on it. It is not leased to anybody any more.</summary>
    public void Remove(BlobHash hash)
    {
        lock (_index)
        {
            if (_index.ContainsKey(hash))
            {
                Pin(hash, null);
                Doom(hash);
                Release(hash);
            }

            File.Delete(_paths.Part(hash));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    /// <summary>The file in which a download grows. The caller is the only one that downloads this blob.</summary>
    internal string BeginPart(BlobHash hash)
    {
        lock (_index)
        {
            _incoming.Add(hash);
        }

        return _paths.Part(hash);
    }

    /// <summary>Nobody downloads this blob at the moment; what has come of it may be evicted.</summary>
    internal void EndPart(BlobHash hash)
    {
        lock (_index)
        {
            _incoming.Remove(hash);
        }
    }

    /// <summary>Evicts until a blob of this size fits. What has come of it already is part of its size.</summary>
    /// <exception cref="StorageException">It cannot fit.</exception>
    internal void MakeRoom(BlobHash hash, long bytes)
    {
        lock (_index)
        {
            if (_index.ContainsKey(hash))
            {
                return;
            }

            long remaining = EvictDownTo(MaximumBytes - bytes, hash);
            if (remaining > MaximumBytes - bytes)
            {
                throw new StorageException(_paths.Folder, string.Create(
                    CultureInfo.InvariantCulture,
                    $"The cache '{_paths.Folder}' holds at most {MaximumBytes} bytes, of which {remaining} are in use: the blob {hash} with {bytes} bytes does not fit. Give the worker a larger cache."));
            }
        }
    }

    private async Task<BlobLease> LeaseOfPinnedAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        string path = await _blobs.GetFileAsync(hash, cancellationToken);
        long bytes;
        lock (_index)
        {
            bytes = _index[hash].Bytes;
        }

        await _blobs.RenewAsync(hash, bytes, cancellationToken);
        return new BlobLease(hash, path, bytes, () => Release(hash));
    }

    /// <summary>Puts a blob at the end of the order of use and keeps it there.</summary>
    private void Pin(BlobHash hash, long? bytes)
    {
        lock (_index)
        {
            if (!_index.TryGetValue(hash, out CachedBlob? blob))
            {
                _index[hash] = blob = new CachedBlob(_byUse.AddLast(hash));
            }

            _byUse.Remove(blob.Use);
            _byUse.AddLast(blob.Use);
            _bytes += (bytes ?? blob.Bytes) - blob.Bytes;
            blob.Bytes = bytes ?? blob.Bytes;
            blob.Doomed &= bytes is null;
            blob.Leases++;
        }
    }

    private void Doom(BlobHash hash)
    {
        lock (_index)
        {
            _index[hash].Doomed = true;
        }
    }

    private void Release(BlobHash hash)
    {
        lock (_index)
        {
            CachedBlob blob = _index[hash];
            if (--blob.Leases == 0 && blob.Doomed)
            {
                Evict(hash, blob);
            }
        }
    }

    /// <summary>Evicts what may go until at most so many bytes are left; returns how many are, without those of the blob that comes.</summary>
    private long EvictDownTo(long target, BlobHash? comes = null)
    {
        lock (_index)
        {
            long parts = 0;
            foreach (FileInfo part in _paths.Parts())
            {
                if (BlobHash.TryParse(Path.GetFileNameWithoutExtension(part.Name), out BlobHash hash) && (hash == comes || _incoming.Contains(hash)))
                {
                    parts += hash == comes ? 0 : part.Length;
                }
                else if (_bytes + part.Length > target)
                {
                    part.Delete();
                }
                else
                {
                    target -= part.Length;
                }
            }

            for (LinkedListNode<BlobHash>? node = _byUse.First; node is not null && _bytes + parts > target;)
            {
                LinkedListNode<BlobHash>? next = node.Next;
                CachedBlob blob = _index[node.Value];
                if (blob.Leases == 0)
                {
                    Evict(node.Value, blob);
                }

                node = next;
            }

            return _bytes + parts;
        }
    }

    private void Evict(BlobHash hash, CachedBlob blob)
    {
        _index.Remove(hash);
        _byUse.Remove(blob.Use);
        _bytes -= blob.Bytes;
        _blobs.Delete(hash);
    }
}
