namespace DiPaCo.Cluster.Blobs;

/// <summary>How patient a store is with what is at the other end of a network.</summary>
public sealed record RemoteBlobOptions
{
    /// <summary>The largest blob that is downloaded; default 8 GiB.</summary>
    public long MaximumBlobBytes { get; init; } = 8L << 30;

    /// <summary>How long a connection may be without a byte before it is given up for a new one; default 30 s.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an operation may take in all, besides the time for its bytes; default 5 min. Then it fails and says what it waited on.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The rate that bytes are expected at in the worst case, which lengthens the deadline; default 128 KiB/s.</summary>
    public long MinimumBytesPerSecond { get; init; } = 128 << 10;

    /// <summary>The pause before the second attempt; default 0.2 s. It doubles, and is multiplied by a number drawn from [0.5, 1).</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause between two attempts; default 15 s.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Draws the pauses. Workers have different ones, so that they do not all come back at once.</summary>
    public long Seed { get; init; }

    /// <summary>Blobs up to this size are uploaded without asking whether the server has them; default 64 KiB.</summary>
    public long DirectUploadBytes { get; init; } = 64 << 10;

    /// <summary>Names this program among those of its user, so that an upload goes on after a restart; at most 200 characters.</summary>
    public string Client { get; init; } = string.Empty;
}
