using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>Reads the token ledger from a run's folder; the run may be at work meanwhile.</summary>
/// <param name="folder">The run's folder.</param>
internal sealed class LedgerReader(string folder)
{
    /// <summary>The ledger, balanced again, and compared with what the training tasks themselves have reported.</summary>
    /// <exception cref="DiPaCoException">The folder is no run, or its paths do not train on their own.</exception>
    public TokenLedger Read()
    {
        using RunFolder run = RunFolder.OpenForReading(folder);
        RunConfig config = RunConfigJson.Deserialize(run.Info.Config.GetRawText());
        if (config.Recipe.Training == TrainingMode.Synchronous)
        {
            throw new DiPaCoException($"The run '{folder}' trains synchronously: all paths meet at every step, so there is no ledger of each.");
        }

        IReadOnlyList<JournalEntry> entries = TaskJournal.ReadEntries(run.Paths.Folder);
        Dictionary<string, JournalEntry> tasks = [];
        foreach (JournalEntry entry in entries)
        {
            tasks[entry.Key] = entry;
        }

        Dictionary<PathId, PathConsumption> last = [];
        Dictionary<string, string> counted = [];
        ImmutableArray<PhaseConsumption>.Builder phases = ImmutableArray.CreateBuilder<PhaseConsumption>();
        ImmutableArray<string>.Builder contradictions = ImmutableArray.CreateBuilder<string>();
        for (Phase phase = default; Retention.ConsumedIn(phase, tasks) is { } paths; phase = phase.Next)
        {
            long lost = 0, duplicated = 0;
            foreach (PathConsumption path in paths)
            {
                // On a new shard a path counts on.
                long gap = path.FirstStep - (last.TryGetValue(path.Path, out PathConsumption? before) ? before.FirstStep + before.Steps : 0);
                lost += Math.Max(gap, 0);
                duplicated += Math.Max(-gap, 0);
                last[path.Path] = path;
                string where = string.Create(CultureInfo.InvariantCulture, $"phase {phase.Value + 1}, path {path.Path}");
                contradictions.AddRange(ContradictionsOf(path, where, tasks, counted));
            }

            phases.Add(new PhaseConsumption(phase, paths, lost, duplicated));
        }

        return new TokenLedger(config.Name, phases.ToImmutable()) { Contradictions = contradictions.ToImmutable() };
    }

    /// <summary>The documents that a path has read in a phase, computed anew from its shard, its seed and its steps.</summary>
    /// <param name="line">The ledger's line.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="DiPaCoException">The shard is not there any more, or what was computed is not what the ledger says.</exception>
    public async Task<ImmutableArray<DocumentConsumption>> DocumentsAsync(PathConsumption line, CancellationToken cancellationToken)
    {
        using RunFolder run = RunFolder.OpenForReading(folder);
        RunConfig config = RunConfigJson.Deserialize(run.Info.Config.GetRawText());
        using TokenCorpus shard = await OpenAsync(line, new FolderBlobStore(run.Paths.Blobs), cancellationToken);
        ShardBatches batches = RunSession.SequencesOf(config).BatchesOf(shard, config.Seed, line.Path, config.Recipe.BatchSequences);
        SortedDictionary<(int Chunk, int Document), (int Sequences, long Tokens)> read = [];
        long tokens = 0;
        for (long step = line.FirstStep; step < line.FirstStep + line.Steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach ((ShardDocument document, int scored) in batches.ReadIn(step))
            {
                (int Chunk, int Document) key = (document.Id.Chunk, document.Id.Document);
                (int Sequences, long Tokens) sum = read.GetValueOrDefault(key);
                read[key] = (sum.Sequences + 1, sum.Tokens + scored);
                tokens += scored;
            }
        }

        return tokens == line.Tokens
            ? [.. read.Select(document => DocumentOf(shard, document.Key, document.Value))]
            : throw new DiPaCoException(string.Create(
                CultureInfo.InvariantCulture, $"The steps of path {line.Path} read {tokens} tokens of its shard, and the ledger has {line.Tokens}: one of the two was changed."));
    }

    private static DocumentConsumption DocumentOf(TokenCorpus shard, (int Chunk, int Document) at, (int Sequences, long Tokens) read)
    {
        DocumentEntry entry = shard[new DocumentId(at.Chunk, at.Document)];
        return new DocumentConsumption(
            entry.OriginHash.ToString("x16", CultureInfo.InvariantCulture), shard.Chunks[at.Chunk].Sources[entry.Source], at.Chunk, at.Document, read.Sequences, read.Tokens);
    }

    private static async Task<TokenCorpus> OpenAsync(PathConsumption line, FolderBlobStore store, CancellationToken cancellationToken)
    {
        try
        {
            return await TokenFiles.OpenAsync(line.Shard, store, cancellationToken);
        }
        catch (MissingBlobException exception)
        {
            throw new DiPaCoException($"The shard that path {line.Path} had then is not kept any more: new shards have taken its place (recipe.keep_phases).", exception);
        }
    }

    private static IEnumerable<string> ContradictionsOf(
        PathConsumption path, string where, Dictionary<string, JournalEntry> tasks, Dictionary<string, string> counted)
    {
        if (!counted.TryAdd(path.Task, where))
        {
            yield return $"{where}: the task {path.Task[..8]} counts for {counted[path.Task]} as well.";
        }

        if (!tasks.TryGetValue(path.Task, out JournalEntry? task) || task.Kind != "train")
        {
            yield return $"{where}: the journal has no training task {path.Task[..8]}.";
        }
        else if (JsonSerializer.Deserialize<TrainMetrics>(task.Metrics, TaskJson.Options) is var made
            && (made?.Steps != path.Steps || made.Sequences != path.Sequences || made.Tokens != path.Tokens))
        {
            yield return $"{where}: the ledger has {path.Steps} steps, {path.Sequences} sequences and {path.Tokens} tokens, the task {made?.Steps}, {made?.Sequences} and {made?.Tokens}.";
        }
        else if (path.Shard.Except(task.Inputs).Any())
        {
            yield return $"{where}: the task has read another shard.";
        }
    }
}
