using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// What a task asks of a worker: a function of its specification alone, for whoever decides where it is computed. Estimates; no result depends
/// on them.
/// </summary>
/// <param name="MemoryBytes">Memory for parameters, gradients, moments and activations, in bytes; 0: any worker has enough. Libraries and the data's pages come on top.</param>
/// <param name="Flops">Floating-point operations; 0: not known before the inputs are read.</param>
/// <param name="Priority">Larger goes first.</param>
/// <param name="Divisible">Whether it can be handed over between two of its steps.</param>
/// <param name="Beside">Whether it is computed beside another task instead of after it: it is short, and others wait for it.</param>
public sealed record TaskDemands(long MemoryBytes, double Flops, int Priority, bool Divisible, bool Beside = false)
{
    /// <summary>Of tasks that others wait for: the paths of a module cannot go on before its outer step.</summary>
    public const int Urgent = 2;

    /// <summary>Of tasks that something urgent will wait for: what is folded while other paths train is not left for when they are done.</summary>
    public const int Soon = 1;

    private static readonly TaskDemands Small = new(0, 0, 0, false);

    /// <summary>What a task asks for.</summary>
    public static TaskDemands Of(TaskSpec spec) => spec switch
    {
        TrainSpec train => new(
            Path(train.Model, PositionsOf(train.Sequences)).Total + EncodingOf(train) + BuildingOf(train),
            TrainingFlops(train.Model.Shape, train.Sequences.Length, (double)train.Steps * train.BatchSequences), 0, true),
        SynchronousSpec synchronous => Of(synchronous),
        FoldSpec fold => Small with { Flops = FoldingFlops(fold.Shape, fold.Module, fold.Contributions.Length), Priority = Soon, Beside = true },
        OuterSpec outer => Of(outer),
        TokenRouterSpec router => new(
            Memory(router.Shape, ParametersOf(router.Shape, router.Base.Modules), router.Base.Compute, PositionsOf(router.Sequences)).Total,
            TrainingFlops(router.Shape, router.Sequences.Length, (double)router.Schedule.TotalSteps * router.BatchSequences), 0, false),
        InitializeSpec initialize => Small with { MemoryBytes = WithoutMoments(Memory(
            initialize.Shape, ParametersOf(initialize.Shape, initialize.Parts), ComputeType.Fp32, FeaturesTask.BatchDocuments)) },
        ForkSpec fork => Small with { MemoryBytes = sizeof(float) * ParametersOf(fork.Shape, fork.Parts) },
        FeaturesSpec features => Computing(features.Base, FeaturesTask.BatchDocuments * features.PrefixTokens),
        EvaluateSpec evaluate => Computing(evaluate.Model, PositionsOf(evaluate.Sequences)),
        ScoreSpec score => Computing(score.Paths[0].Model, PositionsOf(score.Sequences)),
        CandidateSpec candidates => Computing(candidates.Paths[0].Model, PositionsOf(candidates.Sequences)),
        RerouteSpec reroute => Computing(reroute.Model, PositionsOf(reroute.Sequences)),
        SampleSpec sample => Computing(sample.Model, sample.Prompt.Length + sample.Tokens),
        _ => Small,
    };

    /// <summary>A path's buffers, and parameters, gradients and moments of all modules beside them.</summary>
    private static TaskDemands Of(SynchronousSpec spec)
    {
        long all = spec.Modules.Sum(module => ParametersOf(spec.Shape, module.Parts));
        long path = ParametersOf(spec.Shape, TransformerPart.All(spec.Shape.Blocks));
        return new TaskDemands(
            WithoutMoments(Memory(spec.Shape, path, spec.Compute, PositionsOf(spec.Sequences))) + (4L * sizeof(float) * all),
            TrainingFlops(spec.Shape, spec.Sequences.Length, (double)spec.Steps * spec.Paths.Length * spec.BatchSequences), 0, false);
    }

    /// <summary>Parameters and momentum, and an encoded difference that is published; sums and contributions are read piece by piece.</summary>
    private static TaskDemands Of(OuterSpec spec)
    {
        long parameters = ParametersOf(spec.Shape, spec.Module.Parts);
        double published = spec.Download.IsDelta() ? spec.Download.BitsPerElement() / 8 * parameters : 0;
        return new TaskDemands((2L * sizeof(float) * parameters) + (long)published, FoldingFlops(spec.Shape, spec.Module, spec.Contributions.Length), Urgent, false, Beside: true);
    }

    /// <summary>A fused multiply-add and a square for each element of each contribution.</summary>
    private static double FoldingFlops(TransformerShape shape, ModuleInput module, int contributions) => 4.0 * ParametersOf(shape, module.Parts) * contributions;

    private static TaskDemands Computing(PathInput model, int positions) => Small with { MemoryBytes = WithoutMoments(Path(model, positions)) };

    private static PlannedMemory Path(PathInput model, int positions) => Memory(model.Shape, ParametersOf(model.Shape, model.Modules), model.Compute, positions);

    private static PlannedMemory Memory(TransformerShape shape, long parameters, ComputeType compute, int positions) =>
        PlannedMemory.Of(shape, parameters, compute, positions);

    /// <summary>A module at a time is built from the version before.</summary>
    private static long BuildingOf(TrainSpec spec) =>
        sizeof(float) * spec.Buildable.Select(module => ParametersOf(module.Shape, module.Parts)).DefaultIfEmpty(0).Max();

    /// <summary>What was left out of each module, and of one module at a time its start, its delta and that delta's bytes.</summary>
    private static long EncodingOf(TrainSpec spec)
    {
        long[] encoded = [.. spec.Model.Modules.Where(module => spec.Codec?.Modules.Contains(module.Id) == true).Select(module => ParametersOf(spec.Model.Shape, module.Parts))];
        return sizeof(float) * (encoded.Sum() + (3 * encoded.DefaultIfEmpty(0).Max()));
    }

    private static long WithoutMoments(PlannedMemory memory) => memory.Total - memory.Optimizer;

    private static double TrainingFlops(TransformerShape shape, int length, double sequences) => sequences * length * shape.TrainingFlopsPerToken(length);

    private static int PositionsOf(SequenceInput sequences) => sequences.MicroBatch * sequences.Length;

    private static long ParametersOf(TransformerShape shape, IEnumerable<ModuleInput> modules) => modules.Sum(module => ParametersOf(shape, module.Parts));

    private static long ParametersOf(TransformerShape shape, IEnumerable<TransformerPart> parts) => ModuleLayout.Of(shape, parts).Parameters;
}
