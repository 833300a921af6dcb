using System.Globalization;
using DiPaCo.Core;

namespace DiPaCo.Cluster.Blobs;

/// <summary>More is being uploaded at once than the server has room for.</summary>
public sealed class TooManyUploadsException : DiPaCoException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="uploads">How many other uploads are unfinished.</param>
    /// <param name="bytes">The bytes that these have announced or left.</param>
    /// <param name="mostUploads">How many may be unfinished.</param>
    /// <param name="mostBytes">With how many bytes.</param>
    /// <param name="lifetime">How long one waits for its rest.</param>
    public TooManyUploadsException(int uploads, long bytes, int mostUploads, long mostBytes, TimeSpan lifetime)
        : base(string.Create(
            CultureInfo.InvariantCulture,
            $"{uploads} unfinished uploads with {bytes} bytes are waiting, at most {mostUploads} with {mostBytes} bytes are allowed. Try again when some have ended; those that nobody goes on with are removed after {lifetime}."))
    {
    }
}
