using DiPaCo.Cluster.Blobs;

namespace DiPaCo.Cluster.Tests.Support;

/// <summary>The patience of a test.</summary>
internal static class QuickOptions
{
    public static RemoteBlobOptions Remote { get; } = new()
    {
        FirstPause = TimeSpan.FromMilliseconds(1),
        LongestPause = TimeSpan.FromMilliseconds(20),
        DirectUploadBytes = 1000,
        Client = "test",
    };
}
