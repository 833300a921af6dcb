using DiPaCo.Core;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime;

/// <summary>
/// Which tasks a journal must forget so that the next session computes lost blobs again: those that made them, and, because a task
/// needs its inputs, those that made what has been let go since, and so on. All other tasks stay remembered: a task is
/// a pure function, so the new blobs are the old ones.
/// </summary>
internal static class RunRepair
{
    /// <summary>Keys of the tasks to compute again.</summary>
    /// <param name="entries">The journal.</param>
    /// <param name="lost">Blobs that should be there and are not, or not undamaged.</param>
    public static HashSet<string> TasksToForget(IReadOnlyList<JournalEntry> entries, IReadOnlySet<BlobHash> lost)
    {
        IReadOnlySet<BlobHash> expected = Retention.Expected(entries);
        ILookup<BlobHash, JournalEntry> makers = entries
            .Where(entry => entry.Kind is not (Retention.Kind or ForgottenTask.Kind))
            .SelectMany(entry => entry.Outputs.Values.Select(blob => (blob, entry)))
            .ToLookup(made => made.blob, made => made.entry);
        HashSet<string> forgotten = new(StringComparer.Ordinal);
        HashSet<BlobHash> wanted = [.. lost];
        Queue<BlobHash> open = new(lost);
        while (open.TryDequeue(out BlobHash blob))
        {
            foreach (JournalEntry maker in makers[blob].Where(maker => forgotten.Add(maker.Key)))
            {
                foreach (BlobHash input in maker.Inputs.Where(input => (lost.Contains(input) || !expected.Contains(input)) && wanted.Add(input)))
                {
                    open.Enqueue(input);
                }
            }
        }

        return forgotten;
    }
}
