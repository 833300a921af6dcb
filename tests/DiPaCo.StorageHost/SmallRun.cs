using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.StorageHost;

/// <summary>A run in miniature: each task makes two blobs from the previous task's, and garbage is collected at the end.</summary>
public static class SmallRun
{
    // More than the store gathers in memory, so that a blob takes several writes.
    private const int LargeBlob = 600_000;

    /// <summary>Does the tasks that are not done, and tells of each that is.</summary>
    public static async Task WorkAsync(string folder, int tasks, IStorageSteps steps, TextWriter output)
    {
        DateTimeOffset started = TimeProvider.System.GetUtcNow();
        using JsonDocument config = JsonDocument.Parse("""{"seed":1}""");
        using var run = RunFolder.OpenOrCreate(folder, RunInfo.Of("test", config.RootElement), "seed: 1\n", [], steps);
        using var journal = TaskJournal.OpenForWriting(run.Lock, steps);
        using var metrics = MetricsLog.OpenForWriting(run.Lock, steps);
        var blobs = new FolderBlobStore(run.Paths.Blobs, steps);

        BlobHash previous = BlobHash.Of([]);
        for (int task = 0; task < tasks; task++)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"task-{task}-{previous.Hex[..8]}");
            if (!journal.TryGet(key, out JournalEntry? entry))
            {
                entry = await ComputeAsync(key, previous, blobs);
                metrics.Append(string.Create(CultureInfo.InvariantCulture, $$"""{"task":"{{key}}","step":{{task}}}"""));
                await journal.AppendAsync(entry, CancellationToken.None);
            }

            previous = entry.Outputs["module"];
            await blobs.GetFileAsync(previous, CancellationToken.None);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"done {task}"));
        }

        HashSet<BlobHash> live = [.. journal.Entries.SelectMany(entry => entry.Outputs.Values)];
        await GarbageCollector.CollectAsync(blobs, live, started, CancellationToken.None);
    }

    private static async Task<JournalEntry> ComputeAsync(string key, BlobHash previous, FolderBlobStore blobs)
    {
        BlobHash module = await blobs.PutAsync(
            stream =>
            {
                for (int written = 0; written < LargeBlob; written += 100_000)
                {
                    stream.Write(Encoding.ASCII.GetBytes(previous.Hex[..10].PadRight(100_000, key[5])));
                }
            },
            CancellationToken.None);
        BlobHash note = await blobs.PutAsync(Encoding.ASCII.GetBytes($"note of {key}"), CancellationToken.None);
        return new JournalEntry(
            key, "small", [previous], ImmutableSortedDictionary<string, BlobHash>.Empty.Add("module", module).Add("note", note), """{"loss":1.5}""");
    }
}
