using DiPaCo.Core;

namespace DiPaCo.Cluster.Blobs;

/// <summary>An attempt failed in a way that another may not.</summary>
internal sealed class RetryableBlobException(string message, TimeSpan? after = null, Exception? innerException = null)
    : DiPaCoException(message, innerException!)
{
    /// <summary>How long the other end wants to be left alone, if it says so.</summary>
    public TimeSpan? After { get; } = after;
}
