using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Experiments;

/// <summary>
/// What the finished runs of an experiment have computed already: one corpus pass, one tokenizer, one base model, one feature pass for all
/// rows that agree in them.
/// </summary>
/// <remarks>
/// A task is taken with all its blobs, or not at all, with one exception: the training tasks of a dense model form a chain of which a run
/// keeps the last link's parameters only. It lets go of a link once the next one is in its journal, so in a finished run a link without
/// blobs has a successor; its hashes are enough to walk to it, and the last link has its parameters. AdamW's state after the last step,
/// which no task reads, is not brought along.
/// </remarks>
public sealed class SiblingRuns : ITaskMemory
{
    private readonly ImmutableArray<Sibling> _siblings;

    /// <summary>Remembers what some runs have computed.</summary>
    /// <param name="folders">Folders of finished runs.</param>
    public SiblingRuns(IEnumerable<string> folders)
        : this([.. folders.Select(Sibling.Open)])
    {
    }

    private SiblingRuns(ImmutableArray<Sibling> siblings) => _siblings = siblings;

    /// <inheritdoc/>
    public ITaskMemory OnDevice(string device) => new SiblingRuns(_siblings.RemoveAll(sibling => sibling.Device != device));

    /// <inheritdoc/>
    public async Task<TaskResult?> FindAsync(TaskSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        string key = spec.Key().Hex;
        foreach (Sibling sibling in _siblings)
        {
            if (sibling.Entries.TryGetValue(key, out JournalEntry? entry) && await BringAsync(entry, spec, sibling.Store, store, cancellationToken))
            {
                return new TaskResult(entry.Outputs, entry.Metrics);
            }
        }

        return null;
    }

    private static async Task<bool> BringAsync(JournalEntry entry, TaskSpec spec, FolderBlobStore from, IBlobStore to, CancellationToken cancellationToken)
    {
        List<BlobHash> here = [];
        foreach (BlobHash blob in entry.Outputs.Values.Distinct())
        {
            if (await from.ExistsAsync(blob, cancellationToken))
            {
                here.Add(blob);
            }
        }

        bool isLink = spec is TrainSpec { Order: < 0 };
        if (!isLink && here.Count < entry.Outputs.Values.Distinct().Count())
        {
            return false;
        }

        foreach (BlobHash blob in here)
        {
            if (!await to.ExistsAsync(blob, cancellationToken))
            {
                await using Stream source = await from.OpenReadAsync(blob, cancellationToken);
                await to.PutAsync(source.CopyToAsync, cancellationToken);
            }
        }

        return true;
    }

    private sealed record Sibling(string? Device, ImmutableDictionary<string, JournalEntry> Entries, FolderBlobStore Store)
    {
        public static Sibling Open(string folder)
        {
            using TaskJournal journal = TaskJournal.OpenForReading(folder);
            return new Sibling(
                ComputeRecord.Of(folder, journal.Entries)?.Device,
                journal.Entries.Where(entry => entry.Kind is not (Recipe.Retention.Kind or ForgottenTask.Kind)).ToImmutableDictionary(entry => entry.Key, StringComparer.Ordinal),
                new FolderBlobStore(new RunPaths(folder).Blobs));
        }
    }
}
