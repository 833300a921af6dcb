using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Fine-tunes the base model into a router that predicts a path at every token (paper §7.2.2): the target at token j is the path under
/// which tokens j … j + L − 1 are likeliest. Output: <c>router</c>, a module of the shape <see cref="Shape"/>. Metrics:
/// <see cref="TrainMetrics"/>.
/// </summary>
public sealed record TokenRouterSpec : TaskSpec
{
    /// <summary>Name of the output.</summary>
    public const string Output = "router";

    /// <inheritdoc/>
    public override string Kind => "train-token-router";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Base.Blobs, .. Losses, .. Chunks];

    /// <summary>The base model, as it was at the fork: one module.</summary>
    public required PathInput Base { get; init; }

    /// <summary>Number of paths, which are the outputs.</summary>
    public required int Paths { get; init; }

    /// <summary>Loss matrices of single tokens; together they have every path.</summary>
    public required ImmutableArray<BlobHash> Losses { get; init; }

    /// <summary>The token chunks that were scored.</summary>
    public required ImmutableArray<BlobHash> Chunks { get; init; }

    /// <summary>How documents become sequences. The prefix is no target: the document router has it.</summary>
    public required SequenceInput Sequences { get; init; }

    /// <summary>Sequences of a step.</summary>
    public required int BatchSequences { get; init; }

    /// <summary>Learning rates; their total is the number of steps.</summary>
    public required LearningRateSchedule Schedule { get; init; }

    /// <summary>The inner optimizer.</summary>
    public required AdamWOptions AdamW { get; init; }

    /// <summary>Tokens L; 0: to the end of the document.</summary>
    public required int Horizon { get; init; }

    /// <summary>Seed of the output matrix and of the order of sequences.</summary>
    public required long Seed { get; init; }

    /// <summary>The router's transformer: the base model's with one output a path.</summary>
    public TransformerShape Shape => ShapeOf(Base.Shape, Paths);

    /// <summary>A trained router as a task reads it.</summary>
    /// <param name="router">The output.</param>
    public PathInput ModelOf(BlobHash router) => ModelOf(Base, Paths, router);

    /// <summary>A trained router as a task reads it.</summary>
    /// <param name="baseModel">The base model that it was fine-tuned from.</param>
    /// <param name="paths">Number of paths.</param>
    /// <param name="router">The output.</param>
    public static PathInput ModelOf(PathInput baseModel, int paths, BlobHash router) =>
        baseModel with { Shape = ShapeOf(baseModel.Shape, paths), Modules = [baseModel.Modules[0] with { Blob = router }] };

    private static TransformerShape ShapeOf(TransformerShape shape, int paths) => shape with { TiedEmbedding = false, Outputs = paths };
}
