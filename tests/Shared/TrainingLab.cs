using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;
using TorchSharp;

namespace DiPaCo.Tests;

/// <summary>A path of two modules, its token chunk, and workers that train it; compiled into the test assemblies that hand tasks over.</summary>
internal sealed class TrainingLab : IDisposable
{
    public const int Steps = 7;

    private const int Vocabulary = 64;

    private static readonly TransformerShape Shape = new()
    {
        Vocabulary = Vocabulary, Blocks = 2, Width = 32, Heads = 2, KeyValueHeads = 2, HeadWidth = 16, FeedForward = 48,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("dipaco-lab-").FullName;

    public TrainingLab() => Store = new FolderBlobStore(_folder);

    public FolderBlobStore Store { get; }

    /// <summary>One training task, the second of its path: its optimizer has moments already.</summary>
    public async Task<TrainSpec> SpecAsync(ComputeType compute, CancellationToken cancellationToken)
    {
        using LocalExecutor worker = NewWorker();
        BlobHash dense = (await worker.ExecuteAsync(new InitializeSpec(Shape, 1), Store, null, cancellationToken))[OuterSpec.ModuleOutput];
        TransformerPart[] parts = [.. TransformerPart.All(Shape.Blocks)];
        ModuleInput[] modules = [new(new ModuleId("lower"), [.. parts[..2]], default), new(new ModuleId("upper"), [.. parts[2..]], default)];
        for (int i = 0; i < modules.Length; i++)
        {
            TaskResult forked = await worker.ExecuteAsync(new ForkSpec(Shape, dense, modules[i].Parts), Store, null, cancellationToken);
            modules[i] = modules[i] with { Blob = forked[OuterSpec.ModuleOutput] };
        }

        TrainSpec first = new()
        {
            Model = new PathInput(Shape, compute, [.. modules]),
            Shard = [await ChunkAsync(cancellationToken)],
            Sequences = new SequenceInput(24, PrefixTokens: 4, LossOnPrefix: true, MicroBatch: 2, LengthWindow: 3),
            BatchSequences = 4,
            FirstStep = 0,
            ScheduleStep = 0,
            Steps = 2,
            Schedule = new LearningRateSchedule(1e-2, 3, 2 + Steps, 0.1),
            AdamW = new AdamWOptions(),
            Seed = 1,
            Order = 3,
        };
        TaskResult trained = await worker.ExecuteAsync(first, Store, null, cancellationToken);
        return first with
        {
            Model = first.Model with { Modules = [.. modules.Select(module => module with { Blob = trained[module.Id.Name] })] },
            Optimizer = trained[TrainSpec.OptimizerOutput],
            FirstStep = 2,
            ScheduleStep = 2,
            Steps = Steps,
        };
    }

    /// <summary>Another worker: nothing of what one has in memory reaches the next.</summary>
    public static LocalExecutor NewWorker() => new(torch.CPU, 1, TimeProvider.System);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<BlobHash> ChunkAsync(CancellationToken cancellationToken)
    {
        TokenChunkBuilder builder = new(Vocabulary);
        for (int document = 0; document < 24; document++)
        {
            int[] tokens = [.. Enumerable.Range(0, 12 + (5 * (document % 7))).Select(at => ((at * 7) + (document * 31) + (at * at % 13)) % Vocabulary)];
            builder.Add((ulong)document, "lab", Split.Train, tokens, tokens.Length);
        }

        return Store.PutAsync(builder.WriteToAsync, cancellationToken);
    }
}
