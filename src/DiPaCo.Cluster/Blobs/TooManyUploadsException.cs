using System.Globalization;
using DiPaCo.Core;

namespace DiPaCo.Cluster.Blobs;

/// <summary>More is being uploaded at once than the server has room for.</summary>
public sealed class TooManyUploadsException : DiPaCoException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="uploads">How many other uploads are unfinished.</param>
    /// <param name="bytes">The bytes that these have announced or left.</param>
    /// <param name="options">The limits.</param>
    public TooManyUploadsException(int uploads, long bytes, BlobEndpointOptions options)
        : base(string.Create(
            CultureInfo.InvariantCulture,
            $"{uploads} unfinished uploads with {bytes} bytes are waiting, at most {options.MaximumPendingUploads} with {options.MaximumPendingBytes} bytes are allowed. Try again when some have ended; those that nobody goes on with are removed after {options.PendingLifetime}."))
    {
    }
}
