using DiPaCo.Core;

namespace DiPaCo.Cluster.Blobs;

/// <summary>A blob's file in the cache, verified, which stays there until this is disposed.</summary>
public sealed class BlobLease : IDisposable
{
    private Action? _release;

    internal BlobLease(BlobHash hash, string path, long bytes, Action release)
    {
        Hash = hash;
        Path = path;
        Bytes = bytes;
        _release = release;
    }

    /// <summary>The blob.</summary>
    public BlobHash Hash { get; }

    /// <summary>Its file, which is not to be changed.</summary>
    public string Path { get; }

    /// <summary>Its size.</summary>
    public long Bytes { get; }

    /// <summary>Lets the cache evict the file again.</summary>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
