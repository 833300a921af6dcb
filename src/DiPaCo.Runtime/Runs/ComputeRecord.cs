using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>
/// What a run's bytes were computed on, as far as it decides how sums are rounded. It stands in the journal before the first task.
/// </summary>
/// <param name="Device"><c>cpu</c> or <c>cuda</c>; which of several GPUs makes no difference.</param>
/// <param name="Libtorch">The version of libtorch.</param>
/// <param name="Simd">What of the processor's vectors reaches a result.</param>
/// <param name="Fingerprint">The numerics fingerprint that all of a cluster's workers had, which says more than the two before; empty: not known.</param>
internal sealed record ComputeRecord(string Device, string Libtorch, string Simd, string Fingerprint = "")
{
    /// <summary>Kind, and key, of the journal's entry.</summary>
    public const string Kind = "compute";

    /// <summary>The record of a run; null before it has one.</summary>
    /// <exception cref="StorageException">The entry is not what a run writes.</exception>
    public static ComputeRecord? Of(string runFolder, IEnumerable<JournalEntry> entries)
    {
        if (entries.FirstOrDefault(entry => entry.Key == Kind) is not { } entry)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<ComputeRecord>(entry.Metrics, TaskJson.Options);
        }
        catch (JsonException exception)
        {
            string journal = new RunPaths(runFolder).Journal;
            throw new StorageException(
                journal, $"'{journal}' has no readable entry '{Kind}': {exception.Message} Restore the file from a copy of the run, or train into another folder (--run).", exception);
        }
    }

    /// <summary>Writes the record into a new run's journal; compares it with an old one's.</summary>
    /// <exception cref="DiPaCoException">The run began on another kind of device.</exception>
    public async Task KeepAsync(RunPaths run, ITaskJournal journal, IRunObserver observer, CancellationToken cancellationToken)
    {
        if (Of(run.Folder, journal.Entries) is not { } begun)
        {
            await journal.AppendAsync(
                new JournalEntry(Kind, Kind, [], ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(this, TaskJson.Options)), cancellationToken);
            return;
        }

        if (begun.Device != Device)
        {
            throw new DiPaCoException(
                $"The run '{run.Folder}' began on the device {begun.Device} and would go on on {Device}: they round differently, so that it would end with the bytes of neither. "
                + $"Go on where there is such a device, with 'device: {begun.Device}' in the configuration, or train into another folder (--run).");
        }

        if (begun.Fingerprint.Length == 0 && begun != this)
        {
            observer.Observe(new RunNote(
                $"The run began with libtorch {begun.Libtorch} and {begun.Simd}, and goes on with libtorch {Libtorch} and {Simd}: it may end with other bytes than it would have there.",
                IsWarning: true));
        }
    }
}
