using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>A blob that a task reads.</summary>
/// <param name="Blob">Its name.</param>
/// <param name="Bytes">Its size: what a worker that has it needs not fetch.</param>
public readonly record struct TaskInput(BlobHash Blob, long Bytes)
{
    /// <summary>A blob from which this one can be built; null: it has to be fetched.</summary>
    public BlobHash? Base { get; init; }

    /// <summary>What a worker that has <see cref="Base"/> fetches instead.</summary>
    public long DeltaBytes { get; init; }

    /// <summary>Bytes that a worker has to fetch.</summary>
    /// <param name="isHere">Whether it has a blob.</param>
    public long Missing(Func<BlobHash, bool> isHere) => isHere(Blob) ? 0 : Base is { } from && isHere(from) ? DeltaBytes : Bytes;
}
