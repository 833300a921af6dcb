using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Lets go of blobs that nothing ahead will read. What is let go is first written to the journal, so that <c>verify</c> knows what
/// must be there; and only at the run's frontier: while an earlier part is replayed from memory, nothing is deleted.
/// </summary>
/// <param name="store">The run's blobs.</param>
/// <param name="journal">The run's memory.</param>
internal sealed class Retention(IBlobStore store, ITaskJournal journal)
{
    /// <summary>Kind of the journal's entries.</summary>
    public const string Kind = "release";

    /// <summary>The moment at which the dense baselines are trained: what evaluation makes follows.</summary>
    public const string Dense = "dense";

    /// <summary>The last moment of a run: nothing is computed after it but numbers and text, which have no blobs.</summary>
    public const string Last = "evaluation";

    private const string NoMetrics = "{}";

    /// <summary>Whether an earlier session was past this moment.</summary>
    public bool IsPast(string moment) => journal.TryGet(KeyOf(moment), out _);

    /// <summary>Deletes every blob of finished tasks but the live ones.</summary>
    /// <param name="moment">Name of the moment in the run, for example <c>phase 3</c>; each happens once.</param>
    /// <param name="live">What must stay.</param>
    /// <param name="cancellationToken">Ends the deletion; the rest goes the next time.</param>
    /// <param name="modelDigest">The model at this moment, where there is a new one: what <c>model.json</c> is compared with.</param>
    /// <param name="consumed">What each path has read, where a phase ends; null: no phase does, or its paths do not train on their own.</param>
    /// <param name="isAhead">Whether a task, by its key, belongs to a part of the run that begins after this moment, so that its outputs stay; null: none does.</param>
    public async Task ReleaseAsync(
        string moment, IEnumerable<BlobHash> live, CancellationToken cancellationToken, string? modelDigest = null,
        ImmutableArray<PathConsumption>? consumed = null, Func<string, bool>? isAhead = null)
    {
        if (IsPast(moment))
        {
            return;
        }

        HashSet<BlobHash> kept = [.. live];
        IReadOnlyList<JournalEntry> entries = journal.Entries;
        if (isAhead is not null)
        {
            kept.UnionWith(entries.Where(entry => isAhead(entry.Key)).SelectMany(entry => entry.Outputs.Values));
        }

        string metrics = modelDigest is null ? NoMetrics : JsonSerializer.Serialize(new ReleaseMetrics(modelDigest, consumed), TaskJson.Options);
        await ReleaseAsync(moment, [.. Expected(entries).Where(hash => !kept.Contains(hash)).Order()], metrics, cancellationToken);
    }

    /// <summary>Deletes the given blobs, of which the caller knows that nothing else refers to them.</summary>
    /// <param name="moment">Name of the moment in the run; each happens once.</param>
    /// <param name="dead">What goes.</param>
    /// <param name="cancellationToken">Ends the deletion; the rest goes at the next start.</param>
    public async Task ReleaseOnlyAsync(string moment, IEnumerable<BlobHash> dead, CancellationToken cancellationToken)
    {
        ImmutableArray<BlobHash> released = [.. dead.Order()];
        if (released.Length > 0 && !IsPast(moment))
        {
            await ReleaseAsync(moment, released, NoMetrics, cancellationToken);
        }
    }

    private async Task ReleaseAsync(string moment, ImmutableArray<BlobHash> released, string metrics, CancellationToken cancellationToken)
    {
        await journal.AppendAsync(
            new JournalEntry(KeyOf(moment), Kind, released, ImmutableSortedDictionary<string, BlobHash>.Empty, metrics), cancellationToken);
        foreach (BlobHash hash in released)
        {
            await store.DeleteAsync(hash, cancellationToken);
        }
    }

    /// <summary>The moment at which a phase has ended.</summary>
    public static string EndOf(Phase phase) => $"phase {phase}";

    /// <summary>How many phases have ended according to a journal.</summary>
    public static int PhasesEnded(IEnumerable<JournalEntry> entries) =>
        entries.Count(entry => entry.Kind == Kind && entry.Key.StartsWith(KeyOf("phase "), StringComparison.Ordinal));

    /// <summary>The digest of the model that a phase ended with; null where the journal does not know it.</summary>
    public static string? DigestAfter(Phase phase, IEnumerable<JournalEntry> entries) =>
        entries.LastOrDefault(entry => entry.Key == KeyOf(EndOf(phase))) is { } end
            ? JsonSerializer.Deserialize<ReleaseMetrics>(end.Metrics, TaskJson.Options)?.ModelDigest
            : null;

    /// <summary>What each path has read in a phase that has ended; null: it has not, or paths did not train on their own.</summary>
    /// <param name="phase">The phase.</param>
    /// <param name="entries">The journal's lines by their keys.</param>
    public static ImmutableArray<PathConsumption>? ConsumedIn(Phase phase, IReadOnlyDictionary<string, JournalEntry> entries) =>
        entries.TryGetValue(KeyOf(EndOf(phase)), out JournalEntry? end) ? JsonSerializer.Deserialize<ReleaseMetrics>(end.Metrics, TaskJson.Options)?.Consumed : null;

    /// <summary>The journal's key of a moment.</summary>
    public static string KeyOf(string moment) => $"{Kind} {moment}";

    /// <summary>The blobs that must be there according to a journal: what tasks made and no release let go since.</summary>
    public static IReadOnlySet<BlobHash> Expected(IEnumerable<JournalEntry> entries)
    {
        HashSet<BlobHash> expected = [];
        foreach (JournalEntry entry in entries)
        {
            if (entry.Kind == Kind)
            {
                expected.ExceptWith(entry.Inputs);
            }
            else if (entry.Kind != ForgottenTask.Kind)
            {
                expected.UnionWith(entry.Outputs.Values);
            }
        }

        return expected;
    }

    private sealed record ReleaseMetrics(
        string? ModelDigest, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ImmutableArray<PathConsumption>? Consumed = null);
}
