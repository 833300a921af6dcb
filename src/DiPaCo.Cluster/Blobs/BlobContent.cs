namespace DiPaCo.Cluster.Blobs;

/// <summary>A blob's bytes as they come from a remote store.</summary>
/// <param name="body">The bytes, from <paramref name="offset"/> on.</param>
/// <param name="offset">Where they begin: where they were asked for, or at 0.</param>
/// <param name="claimed">The whole blob's size as the other end says, which is believed in nothing but refusals; null if it does not say.</param>
/// <param name="owner">Disposed with this.</param>
public sealed class BlobContent(Stream body, long offset, long? claimed, IDisposable? owner) : IDisposable
{
    /// <summary>The bytes.</summary>
    public Stream Body { get; } = body;

    /// <summary>Where they begin.</summary>
    public long Offset { get; } = offset;

    /// <summary>The whole blob's size as the other end says.</summary>
    public long? Claimed { get; } = claimed;

    /// <inheritdoc/>
    public void Dispose()
    {
        Body.Dispose();
        owner?.Dispose();
    }
}
