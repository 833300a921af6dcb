using Microsoft.AspNetCore.Http;

namespace DiPaCo.Cluster.Blobs;

/// <summary>What the blob endpoints allow.</summary>
public sealed record BlobEndpointOptions
{
    /// <summary>The largest blob that is taken; default 8 GiB. A larger announcement is refused before a byte of it is read.</summary>
    public long MaximumBlobBytes { get; init; } = 8L << 30;

    /// <summary>The most bytes that unfinished uploads may take up together; default 64 GiB.</summary>
    public long MaximumPendingBytes { get; init; } = 64L << 30;

    /// <summary>The most uploads that may be unfinished at once; default 4096.</summary>
    public int MaximumPendingUploads { get; init; } = 4096;

    /// <summary>The most bytes that unfinished uploads of one user may take up together; default 32 GiB, so that one cannot shut out all others.</summary>
    public long MaximumPendingBytesOfUser { get; init; } = 32L << 30;

    /// <summary>The most uploads of one user that may be unfinished at once; default 2048. All workers that have joined with one token are one user.</summary>
    public int MaximumPendingUploadsOfUser { get; init; } = 2048;

    /// <summary>How long an unfinished upload waits for its rest; default one day.</summary>
    public TimeSpan PendingLifetime { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long a presigned address is good for; default one hour.</summary>
    public TimeSpan PresignedLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Whether readers are sent to the store itself where it can sign addresses; default true.</summary>
    public bool RedirectToStore { get; init; } = true;

    /// <summary>
    /// The user who uploads: two never share an unfinished upload, so none can spoil another's. Default: the name of the
    /// authenticated user, or the same for all where nobody authenticates.
    /// </summary>
    public Func<HttpContext, string> Uploader { get; init; } = context => context.User.Identity?.Name ?? string.Empty;
}
