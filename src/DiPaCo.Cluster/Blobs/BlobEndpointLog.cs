using DiPaCo.Core;
using Microsoft.Extensions.Logging;

namespace DiPaCo.Cluster.Blobs;

internal static partial class BlobEndpointLog
{
    [LoggerMessage(5101, LogLevel.Error, "The blob {Hash} is damaged in '{File}': its bytes have the SHA-256 {Found}.")]
    public static partial void Damaged(ILogger logger, string file, BlobHash hash, BlobHash found);

    [LoggerMessage(5102, LogLevel.Warning, "An upload of the blob {Hash} was refused: its bytes have the SHA-256 {Found}.")]
    public static partial void Mismatch(ILogger logger, BlobHash hash, BlobHash found);

    [LoggerMessage(5103, LogLevel.Warning, "An upload was refused: {Reason}")]
    public static partial void TooManyUploads(ILogger logger, string reason);

    [LoggerMessage(5104, LogLevel.Error, "The blob store refused: {Reason}")]
    public static partial void StorageRefused(ILogger logger, string reason);
}
