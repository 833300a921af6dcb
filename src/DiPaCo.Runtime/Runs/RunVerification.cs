using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime;

/// <summary>Re-hashes a run.</summary>
/// <param name="folder">The run's folder.</param>
/// <param name="steps">Told of every write.</param>
internal sealed class RunVerification(string folder, IStorageSteps steps)
{
    public async Task<VerifyResult> VerifyAsync(bool repair, CancellationToken cancellationToken)
    {
        using RunFolder run = RunFolder.OpenForReading(folder);
        using RunLock? runLock = repair ? RunLock.Acquire(run.Paths.Folder) : null;
        using TaskJournal journal = TaskJournal.OpenForReading(run.Paths.Folder);
        FolderBlobStore store = new(run.Paths.Blobs, steps);
        ModelFile? model = ModelFile.Read(run.Paths);
        Dictionary<BlobHash, string> names = Names(journal.Entries, model);
        ImmutableArray<Damage>.Builder damaged = ImmutableArray.CreateBuilder<Damage>();
        long blobs = 0;
        foreach (BlobHash hash in Retention.Expected(journal.Entries).Order())
        {
            BlobCondition condition = await store.VerifyAsync(hash, cancellationToken);
            blobs++;
            if (condition != BlobCondition.Intact)
            {
                damaged.Add(new Damage(
                    $"{names[hash]} ({hash.Hex[..12]}…)", condition == BlobCondition.Missing ? "missing" : "hash differs", Repaired: false));
            }
        }

        if (model is not null && model.ComputeDigest() != model.ModelDigest)
        {
            damaged.Add(new Damage(ModelFile.FileName, "its digest is not that of its modules", Repaired: false));
        }

        long bytes = 0;
        await foreach (BlobInfo blob in store.EnumerateAsync(cancellationToken))
        {
            bytes += blob.Bytes;
        }

        return new VerifyResult { ModelDigest = model?.ComputeDigest(), Blobs = blobs, Bytes = bytes, Damaged = damaged.ToImmutable() };
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
