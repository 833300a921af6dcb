using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>Room for a worker's blobs.</summary>
/// <param name="Folder">Where.</param>
/// <param name="LimitBytes">What the cache may hold.</param>
/// <param name="FreeBytes">What the disk has left.</param>
/// <param name="CachedBytes">What the cache holds already, and would let go of.</param>
public sealed record CacheSpace(string Folder, long LimitBytes, long FreeBytes, long CachedBytes)
{
    /// <summary>What the cache can hold in all: its limit, or what the disk allows.</summary>
    public long UsableBytes => Math.Min(LimitBytes, FreeBytes + CachedBytes);

    /// <summary>Measures a folder's disk.</summary>
    /// <param name="folder">The cache's folder, which exists.</param>
    /// <param name="limitBytes">What the cache may hold.</param>
    /// <param name="cachedBytes">What it holds already.</param>
    /// <exception cref="StorageException">The disk does not say.</exception>
    public static CacheSpace Of(string folder, long limitBytes, long cachedBytes)
    {
        try
        {
            return new CacheSpace(folder, limitBytes, new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace, cachedBytes);
        }
        catch (Exception exception) when (StorageErrors.IsStorage(exception))
        {
            throw StorageErrors.Explain(exception, "measure the free space of", folder);
        }
    }
}
