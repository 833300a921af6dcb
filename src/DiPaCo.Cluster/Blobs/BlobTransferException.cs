using DiPaCo.Core;

namespace DiPaCo.Cluster.Blobs;

/// <summary>A remote store could not be used: it refused for good, or was not to be had before the deadline.</summary>
public sealed class BlobTransferException : DiPaCoException
{
    /// <summary>Creates the exception with its complete message.</summary>
    public BlobTransferException(string message, Exception? innerException = null)
        : base(message, innerException!)
    {
    }
}
