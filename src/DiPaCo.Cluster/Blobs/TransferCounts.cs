namespace DiPaCo.Cluster.Blobs;

/// <summary>What went over the network, and what did not have to; of contents only, without headers.</summary>
public sealed class TransferCounts
{
    private long _received;
    private long _sent;
    private long _downloads;
    private long _uploads;
    private long _hits;
    private long _built;
    private long _retries;

    /// <summary>Bytes of blobs that came in, whether or not they were good for anything.</summary>
    public long BytesReceived => Interlocked.Read(ref _received);

    /// <summary>Bytes of blobs that went out.</summary>
    public long BytesSent => Interlocked.Read(ref _sent);

    /// <summary>Blobs that were downloaded.</summary>
    public long Downloads => Interlocked.Read(ref _downloads);

    /// <summary>Blobs that were uploaded, or were found to be there already.</summary>
    public long Uploads => Interlocked.Read(ref _uploads);

    /// <summary>Blobs that were in the cache when somebody wanted them.</summary>
    public long CacheHits => Interlocked.Read(ref _hits);

    /// <summary>Versions of modules that were built here from a difference instead of being downloaded.</summary>
    public long ModulesBuilt => Interlocked.Read(ref _built);

    /// <summary>Attempts that failed and were followed by another.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    internal void Received(long bytes) => Interlocked.Add(ref _received, bytes);

    internal void Sent(long bytes) => Interlocked.Add(ref _sent, bytes);

    internal void Downloaded() => Interlocked.Increment(ref _downloads);

    internal void Uploaded() => Interlocked.Increment(ref _uploads);

    internal void Hit() => Interlocked.Increment(ref _hits);

    internal void Built() => Interlocked.Increment(ref _built);

    internal void Retried() => Interlocked.Increment(ref _retries);
}
