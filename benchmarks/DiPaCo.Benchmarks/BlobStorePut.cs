using System.Diagnostics;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Benchmarks;

/// <summary>Times the blob store.</summary>
internal static class BlobStorePut
{
    /// <summary>The time of putting one blob into a store of the temporary folder, which is left without it.</summary>
    public static TimeSpan Time(Action<Stream> write)
    {
        string folder = Directory.CreateTempSubdirectory("dipaco-blobs-").FullName;
        try
        {
            long start = Stopwatch.GetTimestamp();
            new FolderBlobStore(folder).PutAsync(
                (stream, _) =>
                {
                    write(stream);
                    return Task.CompletedTask;
                },
                CancellationToken.None).GetAwaiter().GetResult();
            return Stopwatch.GetElapsedTime(start);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
