using System.Diagnostics;

namespace DiPaCo.Runtime.Storage;

/// <summary>Times the blob store.</summary>
public static class BlobStoreBenchmark
{
    /// <summary>The time of putting one blob into a store of its own below a folder, which is left without it.</summary>
    /// <param name="folder">Where; decides which disk is measured.</param>
    /// <param name="write">Writes the blob.</param>
    public static async Task<TimeSpan> PutAsync(string folder, Action<Stream> write)
    {
        string blobs = Path.Combine(folder, $"blobs-{Guid.NewGuid():n}");
        try
        {
            long start = Stopwatch.GetTimestamp();
            await new FolderBlobStore(blobs).PutAsync(write, CancellationToken.None);
            return Stopwatch.GetElapsedTime(start);
        }
        finally
        {
            Directory.Delete(blobs, recursive: true);
        }
    }
}
