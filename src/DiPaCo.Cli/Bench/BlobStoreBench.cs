using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cli.Bench;

/// <summary>Times the blob store.</summary>
internal static class BlobStoreBench
{
    /// <summary>The time of putting one blob into a store of this folder, which is left without it.</summary>
    public static TimeSpan Put(string folder, Action<Stream> write)
    {
        FolderBlobStore store = new(Path.Combine(folder, "blobs"));
        long start = Stopwatch.GetTimestamp();
        BlobHash blob = store.PutAsync(
            (stream, _) =>
            {
                write(stream);
                return Task.CompletedTask;
            },
            CancellationToken.None).GetAwaiter().GetResult();
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        store.DeleteAsync(blob, CancellationToken.None).GetAwaiter().GetResult();
        return elapsed;
    }
}
