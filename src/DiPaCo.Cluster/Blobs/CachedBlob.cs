using DiPaCo.Core;

namespace DiPaCo.Cluster.Blobs;

/// <summary>What a cache knows of a blob.</summary>
/// <param name="use">Its place in the order of use.</param>
internal sealed class CachedBlob(LinkedListNode<BlobHash> use)
{
    public LinkedListNode<BlobHash> Use { get; } = use;

    public long Bytes { get; set; }

    public int Leases { get; set; }

    /// <summary>Goes when the last lease ends.</summary>
    public bool Doomed { get; set; }
}
