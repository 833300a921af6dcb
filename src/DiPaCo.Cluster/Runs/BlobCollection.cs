using DiPaCo.Core;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>
/// Deletes the blobs that no run of the cluster names. Blobs are looked at one by one while runs go on, and again just before they are deleted,
/// when no journal can grow: a blob that is named by then stays, and one that is gone by then cannot be named, because whoever names a
/// blob makes sure in the same transaction that it is there. So nothing that a run refers to is ever lost to collection, however slow anybody is.
/// </summary>
/// <param name="services">The runs and their store.</param>
internal sealed class BlobCollection(RunServices services)
{
    // While a batch is deleted runs wait with their records.
    private const int Batch = 50;

    /// <summary>Collects.</summary>
    public async Task<GarbageReport> RunAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset putBefore = services.Time.GetUtcNow() - services.CollectAfter;
        Dictionary<string, Named> named = new(StringComparer.Ordinal);
        await LookAsync(named, (run, from) => services.Runs.ReadAsync(run, from, cancellationToken), cancellationToken);
        GarbageReport report = new(0, 0, 0, 0);
        List<BlobInfo> batch = [];
        await foreach (BlobInfo blob in services.Blobs.EnumerateAsync(cancellationToken))
        {
            if (blob.LastPut < putBefore && !named.Values.Any(run => run.Blobs.Contains(blob.Hash)))
            {
                batch.Add(blob);
            }
            else
            {
                report = report with { KeptBlobs = report.KeptBlobs + 1, KeptBytes = report.KeptBytes + blob.Bytes };
            }

            if (batch.Count == Batch)
            {
                report = await DeleteAsync(batch, named, putBefore, report, cancellationToken);
                batch.Clear();
            }
        }

        return await DeleteAsync(batch, named, putBefore, report, cancellationToken);
    }

    private async Task<GarbageReport> DeleteAsync(
        List<BlobInfo> batch, Dictionary<string, Named> named, DateTimeOffset putBefore, GarbageReport report, CancellationToken cancellationToken)
    {
        if (batch.Count == 0)
        {
            return report;
        }

        IReadOnlyCollection<string> runs = await services.Runs.NamesAsync(cancellationToken);
        return await services.Runs.AloneAsync(
            async read =>
            {
                GarbageReport result = report;
                await LookAsync(named, read, cancellationToken, runs);
                foreach (BlobInfo blob in batch)
                {
                    bool isGarbage = !named.Values.Any(run => run.Blobs.Contains(blob.Hash))
                        && await services.Blobs.FindAsync(blob.Hash, cancellationToken) is { } now && now.LastPut < putBefore
                        && await services.Blobs.DeleteAsync(blob.Hash, cancellationToken);
                    result = isGarbage
                        ? result with { DeletedBlobs = result.DeletedBlobs + 1, FreedBytes = result.FreedBytes + blob.Bytes }
                        : result with { KeptBlobs = result.KeptBlobs + 1, KeptBytes = result.KeptBytes + blob.Bytes };
                }

                return result;
            },
            cancellationToken);
    }

    /// <summary>Brings up to date what each run names.</summary>
    private async Task LookAsync(
        Dictionary<string, Named> named, Func<string, long, Task<(byte[] Lines, JournalState State)>> read, CancellationToken cancellationToken, IReadOnlyCollection<string>? runs = null)
    {
        runs ??= await services.Runs.NamesAsync(cancellationToken);
        foreach (string run in runs)
        {
            if (named.TryGetValue(run, out Named known))
            {
                (byte[] lines, JournalState state) = await read(run, known.State.Lines);
                if (state.Rewritten == known.State.Rewritten)
                {
                    // What was let go of meanwhile is found the next time.
                    known.Blobs.UnionWith(Entries(lines).SelectMany(entry => entry.Outputs.Values));
                    named[run] = known with { State = state };
                    continue;
                }
            }

            (byte[] all, JournalState whole) = await read(run, 0);
            named[run] = new Named(all.Length == 0 ? [] : [.. Retention.Expected(JournalContents.Read($"the journal of run '{run}'", all).Entries)], whole);
        }
    }

    private static List<JournalEntry> Entries(byte[] lines)
    {
        List<JournalEntry> entries = [];
        ReadOnlySpan<byte> rest = lines;
        for (int end; (end = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(end + 1)..])
        {
            if (JournalLine.Parse(rest[..end]) is { } entry)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    private readonly record struct Named(HashSet<BlobHash> Blobs, JournalState State);
}
