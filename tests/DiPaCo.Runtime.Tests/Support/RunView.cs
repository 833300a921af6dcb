using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tests.Support;

/// <summary>A run's folder read back: what its journal says, and its tasks written down again by hand.</summary>
internal sealed class RunView
{
    public RunView(string folder)
    {
        using RunFolder run = RunFolder.OpenForReading(folder);
        Paths = run.Paths;
        Config = RunConfigJson.Deserialize(run.Info.Config.GetRawText());
        using TaskJournal journal = TaskJournal.OpenForReading(folder);
        Entries = journal.Entries;
        Store = new FolderBlobStore(run.Paths.Blobs);
        Model = ModelFile.Read(run.Paths);
    }

    public RunPaths Paths { get; }

    public RunConfig Config { get; }

    public IReadOnlyList<JournalEntry> Entries { get; }

    public FolderBlobStore Store { get; }

    public ModelFile? Model { get; }

    public ModelTopology Topology => ModelTopology.Create(Config.Topology, Model!.Shape);

    /// <summary>The blobs of finished tasks that no release let go.</summary>
    public IReadOnlySet<BlobHash> Expected => Retention.Expected(Entries);

    public SequenceInput Sequences => new(
        Config.Transformer.SequenceLength, Config.Routing.PrefixTokens, Config.Recipe.LossOnPrefix,
        Config.Recipe.MicroBatchSequences, RunSession.LengthWindow);

    public JournalEntry Only(string kind) => Entries.Single(entry => entry.Kind == kind);

    public ImmutableArray<ShardSize> Shards => JsonSerializer.Deserialize<ShardMetrics>(Only("shard").Metrics, TaskJson.Options)!.Paths;

    public ImmutableArray<BlobHash> ShardOf(PathId path) =>
        [.. Enumerable.Range(0, Shards[path.Value].Chunks).Select(chunk => Only("shard").Outputs[ShardSpec.Output(path, chunk)])];

    public string FileOf(BlobHash blob) => Path.Combine(Paths.Blobs, blob.Hex[..2], blob.Hex);

    /// <summary>What a training task of a path on its own shard is, whatever parameters it starts from.</summary>
    public TrainSpec Inner(PathInput model, PathId path, int firstStep, int steps, BlobHash? optimizer) => new()
    {
        Model = model,
        Optimizer = optimizer,
        Shard = ShardOf(path),
        Sequences = Sequences,
        BatchSequences = Config.Recipe.BatchSequences,
        FirstStep = firstStep,
        ScheduleStep = firstStep,
        Steps = steps,
        Schedule = new LearningRateSchedule(
            Config.Inner.LearningRate, Config.Inner.WarmupSteps, Config.Recipe.Phases * Config.Recipe.InnerSteps, Config.Inner.FinalShare),
        AdamW = new AdamWOptions(
            Config.Inner.Beta1, Config.Inner.Beta2, Config.Inner.Epsilon, Config.Inner.WeightDecay, Config.Inner.ClipNorm),
        Seed = Config.Seed,
        Order = path.Value,
    };
}
