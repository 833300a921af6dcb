namespace DiPaCo.Cluster;

/// <summary>Deletes blobs that no run names, every now and then. There is one in a cluster.</summary>
[Alias("dipaco.collector")]
public interface ICollectorGrain : IGrainWithIntegerKey
{
    /// <summary>Its key.</summary>
    const long Key = 0;

    /// <summary>Sees to it that blobs are collected; once more changes nothing.</summary>
    [Alias("start")]
    Task StartAsync();

    /// <summary>Collects now.</summary>
    /// <returns>Blobs that were deleted.</returns>
    [Alias("collect")]
    Task<long> CollectAsync();
}
