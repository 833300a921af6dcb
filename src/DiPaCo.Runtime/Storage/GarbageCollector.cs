using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>Deletes blobs that nothing refers to.</summary>
public static class GarbageCollector
{
    /// <summary>
    /// Deletes the blobs that are not live and were last put before <paramref name="putBefore"/>. With the start of this
    /// process as the limit, a blob that a task has stored but not yet recorded is never taken. Unfinished files are not
    /// blobs and are not touched.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="live">Every blob that something refers to.</param>
    /// <param name="putBefore">Younger blobs are kept.</param>
    /// <param name="cancellationToken">Ends the collection between two blobs.</param>
    public static async Task<GarbageReport> CollectAsync(
        IBlobStore store, IReadOnlySet<BlobHash> live, DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        var report = new GarbageReport(0, 0, 0, 0);
        await foreach (BlobInfo blob in store.EnumerateAsync(cancellationToken))
        {
            bool garbage = blob.LastPut < putBefore && !live.Contains(blob.Hash);
            report = garbage && await store.DeleteAsync(blob.Hash, cancellationToken)
                ? report with { DeletedBlobs = report.DeletedBlobs + 1, FreedBytes = report.FreedBytes + blob.Bytes }
                : report with { KeptBlobs = report.KeptBlobs + 1, KeptBytes = report.KeptBytes + blob.Bytes };
        }

        return report;
    }
}
