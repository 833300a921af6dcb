using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime;

/// <summary>Re-hashes a run, and winds it back over what is lost.</summary>
/// <param name="folder">The run's folder.</param>
/// <param name="steps">Told of every write.</param>
/// <param name="frame">Told of the progress.</param>
internal sealed class RunVerification(string folder, IStorageSteps steps, StageFrame frame)
{
    public async Task<VerifyResult> VerifyAsync(bool repair, CancellationToken cancellationToken)
    {
        using RunFolder run = RunFolder.OpenForReading(folder);
        using RunLock? runLock = repair ? RunLock.Acquire(run.Paths.Folder) : null;
        FolderBlobStore store = new(run.Paths.Blobs, steps);
        if (TaskJournal.SignOfLoss(run.Paths.Folder) is { } sign)
        {
            return await WithoutJournalAsync(run.Paths, store, sign, cancellationToken);
        }

        ImmutableArray<Damage>.Builder damaged = ImmutableArray.CreateBuilder<Damage>();
        ModelFile? model = await CheckFilesAsync(run.Paths, damaged, cancellationToken);

        // After the model: a run in progress writes a task into the journal before the model that follows from it.
        IReadOnlyList<JournalEntry> entries = TaskJournal.ReadEntries(run.Paths.Folder);
        ImmutableArray<Damage> strange = CheckModel(model, entries);
        while (!strange.IsEmpty && !repair && ModelFile.Read(run.Paths) is { } newer && newer.PhasesDone != model!.PhasesDone)
        {
            // The run has gone on meanwhile, and may have let go of what the older model was made of.
            model = newer;
            entries = TaskJournal.ReadEntries(run.Paths.Folder);
            strange = CheckModel(model, entries);
        }

        damaged.AddRange(strange);
        damaged.AddRange(TokenizerCopy.Check(run.Paths, entries));
        IReadOnlySet<BlobHash> expected = Retention.Expected(entries);
        SortedDictionary<BlobHash, BlobCondition> lost = [];
        frame.Begin(Stage.Verification, expected.Count, "blobs");
        long done = 0;
        foreach (BlobHash hash in expected.Order())
        {
            BlobCondition condition = await store.VerifyAsync(hash, cancellationToken);
            if (condition != BlobCondition.Intact)
            {
                lost.Add(hash, condition);
            }

            frame.Advance(++done);
        }

        frame.End($"{expected.Count:N0} blobs re-hashed");

        if (lost.Count > 0 && !repair)
        {
            // A run in progress may have let go of a blob since the journal was read.
            IReadOnlySet<BlobHash> now = Retention.Expected(TaskJournal.ReadEntries(run.Paths.Folder));
            lost = new(lost.Where(entry => now.Contains(entry.Key)).ToDictionary());
        }

        Dictionary<BlobHash, string> names = Names(entries, model);
        damaged.AddRange(lost.Select(entry => DamageOf(names[entry.Key], entry.Key, entry.Value)));
        if (runLock is not null && damaged.Count > 0)
        {
            await RepairAsync(runLock, run.Paths, entries, store, lost.Keys.ToHashSet(), cancellationToken);
        }

        return new VerifyResult
        {
            ModelDigest = model?.ComputeDigest(),
            Blobs = expected.Count,
            Bytes = await BytesAsync(store, expected, cancellationToken),
            Damaged = [.. damaged.Select(damage => damage with { Repaired = repair })],
        };
    }

    /// <summary>
    /// A run without its journal: what must be there is not known, and nothing can be set aside, because nothing would make it anew.
    /// The model can still be looked at.
    /// </summary>
    private async Task<VerifyResult> WithoutJournalAsync(RunPaths paths, FolderBlobStore store, string sign, CancellationToken cancellationToken)
    {
        ImmutableArray<Damage>.Builder damaged = ImmutableArray.CreateBuilder<Damage>();
        damaged.Add(new Damage(
            Path.GetFileName(paths.Journal), $"missing, although there is '{sign}': restore it from a copy of the run, or train into another folder", Repaired: false));
        ModelFile? model = await CheckFilesAsync(paths, damaged, cancellationToken);
        (string What, BlobHash Blob)[] blobs = [.. (model?.Blobs ?? []).DistinctBy(named => named.Blob)];
        frame.Begin(Stage.Verification, blobs.Length, "blobs");
        for (int i = 0; i < blobs.Length; i++)
        {
            BlobCondition condition = await store.VerifyAsync(blobs[i].Blob, cancellationToken);
            if (condition != BlobCondition.Intact)
            {
                damaged.Add(DamageOf(blobs[i].What, blobs[i].Blob, condition));
            }

            frame.Advance(i + 1);
        }

        frame.End($"{blobs.Length:N0} blobs re-hashed");
        return new VerifyResult
        {
            ModelDigest = model?.ComputeDigest(),
            Blobs = blobs.Length,
            Bytes = await BytesAsync(store, blobs.Select(named => named.Blob).ToHashSet(), cancellationToken),
            Damaged = [.. damaged.Select(damage => damage with { Repairable = false })],
        };
    }

    private static Damage DamageOf(string name, BlobHash blob, BlobCondition condition) =>
        new($"{name} ({blob.Hex[..12]}…)", condition == BlobCondition.Missing ? "missing" : "hash differs", Repaired: false);

    private static async Task<long> BytesAsync(FolderBlobStore store, IReadOnlySet<BlobHash> hashed, CancellationToken cancellationToken)
    {
        long bytes = 0;
        await foreach (BlobInfo blob in store.EnumerateAsync(cancellationToken))
        {
            bytes += hashed.Contains(blob.Hash) ? blob.Bytes : 0;
        }

        return bytes;
    }

    /// <summary>The order matters: a repair that is interrupted leaves a run that is still known to be damaged, or one that is repaired.</summary>
    private async Task RepairAsync(
        RunLock runLock, RunPaths paths, IReadOnlyList<JournalEntry> entries, FolderBlobStore store, HashSet<BlobHash> lost,
        CancellationToken cancellationToken)
    {
        // All follow from the journal, and the next session writes them anew; with its results a run would count as finished.
        File.Delete(Path.Combine(paths.Folder, ResultsFile.FileName));
        File.Delete(Path.Combine(paths.Folder, ModelFile.FileName));
        foreach (string copy in TokenizerCopy.PathsIn(paths.Folder))
        {
            File.Delete(copy);
        }

        if (lost.Count > 0)
        {
            // The last release happens again, and takes with it what is only made again on the way to the lost blobs.
            ForgottenTask.Forget(runLock, RunRepair.TasksToForget(entries, lost), new HashSet<string> { Retention.KeyOf(Retention.Last) }, steps);
            foreach (BlobHash hash in lost)
            {
                await store.DeleteAsync(hash, cancellationToken);
            }
        }
    }

    /// <summary>Reads <c>model.json</c> and <c>results.json</c>, which are for people and other verbs, and compares them.</summary>
    private static async Task<ModelFile?> CheckFilesAsync(
        RunPaths paths, ImmutableArray<Damage>.Builder damaged, CancellationToken cancellationToken)
    {
        ModelFile? model = null;
        try
        {
            model = ModelFile.Read(paths);
            if (model is null && ModelFile.IsDue(paths))
            {
                damaged.Add(new Damage(ModelFile.FileName, "missing, although the run is finished", Repaired: false));
            }
            else if (model is not null && model.ComputeDigest() != model.ModelDigest)
            {
                damaged.Add(new Damage(ModelFile.FileName, "its digest is not that of its modules", Repaired: false));
            }
        }
        catch (DiPaCoException exception)
        {
            damaged.Add(new Damage(ModelFile.FileName, exception.Message, Repaired: false));
        }

        if (File.Exists(Path.Combine(paths.Folder, ResultsFile.FileName)))
        {
            try
            {
                RunResults results = await ResultsFile.ReadAsync(paths.Folder, cancellationToken);
                if (model is not null && results.ModelDigest != model.ModelDigest)
                {
                    damaged.Add(new Damage(ResultsFile.FileName, $"its model digest is not that of {ModelFile.FileName}", Repaired: false));
                }
            }
            catch (DiPaCoException exception)
            {
                damaged.Add(new Damage(ResultsFile.FileName, exception.Message, Repaired: false));
            }
        }

        return model;
    }

    /// <summary>The model must be made of what the journal's tasks made, and be the one that its last phase ended with.</summary>
    private static ImmutableArray<Damage> CheckModel(ModelFile? model, IReadOnlyList<JournalEntry> entries)
    {
        if (model is null)
        {
            return [];
        }

        IReadOnlySet<BlobHash> expected = Retention.Expected(entries);
        List<string> problems =
        [
            .. model.Blobs.Where(named => !expected.Contains(named.Blob))
                .Select(named => $"it names {named.Blob.Hex[..12]}… as {named.What}, a blob that the journal does not have"),
        ];
        if (Retention.DigestAfter(new Phase(model.PhasesDone - 1), entries) is { } digest && digest != model.ComputeDigest())
        {
            problems.Add($"its modules are not those that phase {model.PhasesDone} ended with according to the journal");
        }

        return [.. problems.Select(problem => new Damage(ModelFile.FileName, problem, Repaired: false))];
    }

    private static Dictionary<BlobHash, string> Names(IReadOnlyList<JournalEntry> entries, ModelFile? model)
    {
        Dictionary<BlobHash, string> names = [];
        foreach (JournalEntry entry in entries)
        {
            foreach ((string output, BlobHash hash) in entry.Outputs)
            {
                names[hash] = $"{entry.Kind}: {output}";
            }
        }

        foreach ((string module, BlobHash hash) in model?.Modules ?? ImmutableSortedDictionary<string, BlobHash>.Empty)
        {
            names[hash] = $"module {module}, version {model!.PhasesDone}";
        }

        return names;
    }
}
