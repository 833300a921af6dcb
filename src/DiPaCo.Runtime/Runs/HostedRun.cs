using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>
/// A run's recipe over a journal and a store that are not in a folder of this machine. Whoever hosts it may die at any moment: the next one
/// walks the same way over the same journal. The text is no longer needed; the tasks that read it are in the journal.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="journal">Its memory.</param>
/// <param name="store">Its blobs, and those of other runs: what is let go of is not deleted here.</param>
/// <param name="executor">Computes its tasks.</param>
/// <param name="folder">For small files that follow from the journal, and measurements; the host's own.</param>
/// <param name="time">For durations; reaches no result.</param>
public sealed class HostedRun(RunDescription run, IRepairableJournal journal, IBlobStore store, ITaskExecutor executor, string folder, TimeProvider time)
{
    // Each is a blob that was damaged or lost. More of them in one session are a store that nobody should go on with.
    private const int MostRepairs = 20;

    private readonly RunConfig _config = run.Read();

    /// <summary>Walks the recipe to its end, from wherever the journal is.</summary>
    /// <param name="observer">Watches.</param>
    /// <param name="cancellationToken">Ends the walk; everything finished is in the journal.</param>
    /// <exception cref="DiPaCoException">A task is impossible, or blobs are lost that only the text could bring back.</exception>
    public async Task<RunResults> ExecuteAsync(IRunObserver observer, CancellationToken cancellationToken)
    {
        using RunLock own = RunLock.Acquire(folder);
        using MetricsLog metrics = MetricsLog.OpenForWriting(own);
        MetricsObserver watched = new(observer, metrics, time);
        for (int repairs = 0; ; repairs++)
        {
            try
            {
                RunResults results = await WalkAsync(run, _config, journal, new KeepingBlobStore(store), executor, new RunPaths(folder), watched, time, cancellationToken);
                await ThrowIfDamagedAsync(cancellationToken);
                return results;
            }
            catch (DiPaCoException exception) when (repairs < MostRepairs && exception is MissingBlobException or DamagedBlobException)
            {
                await RepairAsync(exception, watched, cancellationToken);
            }
        }
    }

    /// <summary>The numerics fingerprint that this run's tasks want; null: none has been chosen yet.</summary>
    /// <exception cref="StorageException">The journal's entry is not what a run writes.</exception>
    public static string? FingerprintOf(ITaskJournal journal) => ComputeRecord.Of("", journal.Entries)?.Fingerprint;

    /// <summary>Chooses the numerics fingerprint that this run's tasks want from now on.</summary>
    /// <param name="journal">The run's memory.</param>
    /// <param name="device">The kind of device that has it, <c>cpu</c> or <c>cuda</c>.</param>
    /// <param name="fingerprint">The fingerprint; empty: any is taken.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static Task ChooseAsync(ITaskJournal journal, string device, string fingerprint, CancellationToken cancellationToken) => journal.AppendAsync(
        new JournalEntry(
            ComputeRecord.Kind, ComputeRecord.Kind, [], System.Collections.Immutable.ImmutableSortedDictionary<string, BlobHash>.Empty,
            JsonSerializer.Serialize(new ComputeRecord(device, "", "", fingerprint), TaskJson.Options)), cancellationToken);

    /// <summary>The recipe, over whatever journal and store.</summary>
    internal static Task<RunResults> WalkAsync(
        RunDescription run, RunConfig config, ITaskJournal journal, IBlobStore store, ITaskExecutor executor, RunPaths files, IRunObserver observer, TimeProvider time,
        CancellationToken cancellationToken)
    {
        RunSession session = new(config, store, new TaskRunner(store, journal, executor), observer, time) { ConfigurationYaml = run.ConfigurationYaml };
        DeferredSource noText = new(() => throw new DiPaCoException(
            "The text of this run is with whoever submitted it, and its tokens are gone. Submit the run again under another name."));
        // Not the path itself: a file of that name on this machine would be another one.
        TrainRun recipe = TrainRun.Of(
            session, noText, file => Path.Combine(files.Folder, "submitter", Path.GetFileName(file)), threads: 1, new Retention(store, journal),
            new RunFiles(files, SilentStorageSteps.Instance));
        return recipe.ExecuteAsync(cancellationToken);
    }

    /// <summary>What nobody has read since it was made is read now: a finished run is one that can be used.</summary>
    private async Task ThrowIfDamagedAsync(CancellationToken cancellationToken)
    {
        foreach (BlobHash blob in Retention.Expected(journal.Entries))
        {
            BlobCondition condition = await store.VerifyAsync(blob, cancellationToken);
            if (condition != BlobCondition.Intact)
            {
                throw condition == BlobCondition.Missing ? new MissingBlobException(blob, "the run's store") : new DamagedBlobException("the run's store", blob, default);
            }
        }
    }

    /// <summary>What is lost is forgotten, so that the same walk makes it again to the same bytes.</summary>
    private async Task RepairAsync(DiPaCoException cause, MetricsObserver observer, CancellationToken cancellationToken)
    {
        IReadOnlyList<JournalEntry> entries = journal.Entries;
        HashSet<BlobHash> lost = [];
        if (cause is DamagedBlobException damaged)
        {
            lost.Add(damaged.Expected);
            if (await store.VerifyAsync(damaged.Expected, cancellationToken) == BlobCondition.Damaged)
            {
                await store.DeleteAsync(damaged.Expected, cancellationToken);
            }
        }

        foreach (BlobHash blob in Retention.Expected(entries))
        {
            if (!await store.ExistsAsync(blob, cancellationToken))
            {
                lost.Add(blob);
            }
        }

        HashSet<string> forget = RunRepair.TasksToForget(entries, lost);
        if (forget.Count == 0)
        {
            throw new DiPaCoException($"{cause.Message} No task of the journal makes it.", cause);
        }

        if (entries.FirstOrDefault(entry => forget.Contains(entry.Key) && RunTransfer.OfFiles.Contains(entry.Kind)) is { } text)
        {
            throw new DiPaCoException(
                $"{cause.Message} It was made of the user's files ('{text.Kind}'), which are with whoever submitted the run. Submit the run again from there; what is trained is kept.", cause);
        }

        observer.Observe(new RunNote($"{cause.Message} {lost.Count} blobs are lost; {forget.Count} tasks are computed again.", IsWarning: true));
        await journal.ForgetAsync(forget, new HashSet<string>(StringComparer.Ordinal) { Retention.KeyOf(Retention.Last) }, cancellationToken);
    }
}
