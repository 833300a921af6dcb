namespace DiPaCo.Core.Configuration;

/// <summary>Which documents leave a shard that is above its capacity.</summary>
public enum ShardBalance
{
    /// <summary>
    /// A full shard keeps the documents that would lose most elsewhere: those that are about as well off in another shard make room.
    /// </summary>
    Capacity,

    /// <summary>
    /// Documents choose one after the other, those with the highest score of all first, each its best shard that is not full yet
    /// (SMALLTALK): a document that fits nowhere well makes room.
    /// </summary>
    Greedy,
}
