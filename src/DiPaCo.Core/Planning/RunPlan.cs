using System.Collections.Immutable;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Core.Planning;

/// <summary>What a configuration means before anything runs: modules, paths, parameters, memory, bytes, operations, time.</summary>
public sealed record RunPlan
{
    /// <summary>Name of the run.</summary>
    public required string Name { get; init; }

    /// <summary>The dial.</summary>
    public required ModelSize Size { get; init; }

    /// <summary>The transformer of one path.</summary>
    public required TransformerShape Shape { get; init; }

    /// <summary>Tokens of a sequence, T.</summary>
    public required int SequenceLength { get; init; }

    /// <summary>Tokens of one training step, at most: batch × sequence.</summary>
    public required long TokensPerStep { get; init; }

    /// <summary>All modules in order of their names.</summary>
    public required ImmutableArray<PlannedModule> Modules { get; init; }

    /// <summary>All paths in order of their numbers.</summary>
    public required ImmutableArray<PlannedPath> Paths { get; init; }

    /// <summary>Parameters of one path: what it costs to use the model. All paths have the same shape.</summary>
    public required long PathParameters { get; init; }

    /// <summary>Parameters of all modules together.</summary>
    public required long TotalParameters { get; init; }

    /// <summary>Steps of every part of the run.</summary>
    public required StepCounts Steps { get; init; }

    /// <summary>Bytes that move in one phase.</summary>
    public required PlannedTraffic Traffic { get; init; }

    /// <summary>Memory for training one path.</summary>
    public required PlannedMemory Memory { get; init; }

    /// <summary>The text.</summary>
    public required PlannedCorpus Corpus { get; init; }

    /// <summary>What is computed, in order.</summary>
    public required ImmutableArray<PlannedStage> Stages { get; init; }

    /// <summary>What was assumed.</summary>
    public required PlanAssumptions Assumptions { get; init; }

    /// <summary>Tokens of all stages.</summary>
    public long TotalTokens => Stages.Sum(stage => stage.Tokens);

    /// <summary>Floating-point operations of all stages.</summary>
    public double TotalFlops => Stages.Sum(stage => stage.Flops);

    /// <summary>Floating-point operations of training, baselines included.</summary>
    public double TrainingFlops => FlopsOf(PlannedWork.Training);

    /// <summary>Floating-point operations of routing. Clusters are not among them: how many passes they take is known only afterwards.</summary>
    public double RoutingFlops => FlopsOf(PlannedWork.Routing);

    /// <summary>Floating-point operations of what only measures.</summary>
    public double EvaluationFlops => FlopsOf(PlannedWork.Evaluation);

    /// <summary>Estimated time of all stages; null where no rate is known.</summary>
    public double? TotalSeconds => Assumptions.FlopsPerSecond is null ? null : Stages.Sum(stage => stage.Seconds);

    /// <summary>Plans a run.</summary>
    /// <param name="config">The run.</param>
    /// <param name="assumptions">What the configuration does not say.</param>
    /// <exception cref="DiPaCoException">With the assumed vocabulary a path is too large.</exception>
    public static RunPlan Of(RunConfig config, PlanAssumptions assumptions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(assumptions.Workers, 1);
        TransformerShape shape = config.ShapeFor(assumptions.Vocabulary ?? config.Tokenizer.Vocabulary);
        ModelTopology topology = ModelTopology.Create(config.Topology, shape);
        int paths = topology.Paths.Length;
        long perPath = topology.ModulesOf(topology.Paths[0]).Sum(module => module.Layout.Parameters);
        StepCounts steps = StepCounts.Of(config, paths);
        PlannedCorpus corpus = assumptions.Corpus ?? PlannedCorpus.Assumed(config);
        int turns = config.Recipe.PathsPerPhase == 0 ? paths : Math.Min(paths, config.Recipe.PathsPerPhase);
        int rounds = (turns + assumptions.Workers - 1) / assumptions.Workers;
        int sequence = config.Transformer.SequenceLength;
        return new RunPlan
        {
            Name = config.Name,
            Size = config.Size,
            Shape = shape,
            SequenceLength = sequence,
            TokensPerStep = (long)config.Recipe.BatchSequences * sequence,
            Modules = [.. topology.Modules.Select(ToPlan)],
            Paths = [.. topology.Paths.Select(path => ToPlan(topology, path))],
            PathParameters = perPath,
            TotalParameters = topology.Parameters,
            Steps = steps,
            Traffic = TrafficOf(config, topology, perPath, turns, rounds),
            Memory = PlannedMemory.Of(shape, perPath, config.Transformer.Compute, (long)config.Recipe.MicroBatchSequences * sequence),
            Corpus = corpus,
            Stages = new StageTable(config, topology, steps, corpus, assumptions.FlopsPerSecond).Write(rounds),
            Assumptions = assumptions,
        };
    }

    private static PlannedTraffic TrafficOf(RunConfig config, ModelTopology topology, long perPath, int turns, int rounds)
    {
        long stepping = topology.ModulesOf(topology.Paths[0])
            .Where(module => config.Outer.StepsOn(topology, module.Id)).Sum(module => module.Layout.Parameters);
        long encoded = config.Outer.Codec == DeltaCodec.Fp32 ? 0 : stepping;
        long state = (8 * perPath) + (4 * encoded);
        long up = (4 * (perPath - encoded)) + (long)(config.Outer.BitsPerElement() * encoded / 8);
        long down = (4 * (perPath - stepping)) + (long)(config.Outer.Download.BitsPerElement() * stepping / 8);
        PlannedTraffic traffic = new(down, state, up, state, rounds, turns);

        // What paths train from is written beside the module; differences are made against the version before, which is read. Contributions that are no
        // deltas are read with what they began from.
        DownloadCodec download = config.Outer.Download;
        bool isPublished = download != DownloadCodec.Fp32;
        int publishedDown = isPublished && (download.IsDelta() || config.Outer.Codec == DeltaCodec.Fp32) ? download.BitsOfWhole() / 8 : 0;
        double publishedUp = isPublished ? ((download.IsDelta() ? download.BitsOfWhole() : 0) + download.BitsPerElement()) / 8 : 0;
        bool hasSteps = config.Recipe.Training == TrainingMode.Phases;
        foreach (ModuleDefinition module in topology.Modules.Where(module => hasSteps && config.Outer.StepsOn(topology, module.Id)))
        {
            long parameters = module.Layout.Parameters;
            int meeting = (int)Math.Max(1, Math.Round((double)module.Paths.Length * turns / topology.Paths.Length));
            int folded = OuterOptimizerOptions.FoldedOf(meeting, config.Outer.FoldPaths);
            int folds = folded == 0 ? 0 : folded / config.Outer.FoldPaths;
            traffic = traffic with
            {
                OuterDown = traffic.OuterDown + ((8 + (folds > 0 ? 8 : 0) + publishedDown) * parameters) + Contributions(meeting - folded),
                OuterUp = traffic.OuterUp + (8 * parameters) + (long)(publishedUp * parameters),
                FoldsDown = traffic.FoldsDown + (folds == 0 ? 0 : ((4L * folds) + (8L * (folds - 1))) * parameters) + Contributions(folded),
                FoldsUp = traffic.FoldsUp + (8L * folds * parameters),
            };

            long Contributions(int paths) => paths * (long)(config.Outer.BitsPerElement() * parameters / 8);
        }

        return traffic;
    }

    private double FlopsOf(PlannedWork work) => Stages.Where(stage => stage.Work == work).Sum(stage => stage.Flops);

    private static PlannedModule ToPlan(ModuleDefinition module) =>
        new(module.Id, PartsText.Of(module.Layout.Parts), module.Layout.Parameters, module.Paths.Length);

    private static PlannedPath ToPlan(ModelTopology topology, PathId path) => new(
        path, topology.Grid.ExpertsOf(path), path.Value % topology.Grid.Replicas,
        [.. topology.ModulesOf(path).Select(module => module.Id)]);
}
