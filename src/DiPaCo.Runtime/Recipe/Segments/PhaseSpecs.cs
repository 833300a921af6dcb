using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>The tasks that paths and modules need in a segment.</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="segments">Who has a turn when.</param>
internal sealed class PhaseSpecs(RunSession session, ModelTopology topology, SegmentPlan segments)
{
    private readonly RunConfig _config = session.Config;
    private readonly PhasePlan _plan = PhasePlan.Of(session.Config);
    private readonly ImmutableSortedDictionary<ModuleId, ModuleDefinition> _modules = topology.Modules.ToImmutableSortedDictionary(module => module.Id, module => module);
    private readonly Dictionary<Phase, int> _mostPaths = [];

    /// <summary>τ inner steps of a path.</summary>
    public TrainSpec Inner(NeededTraining needed, RoutedCorpus routed)
    {
        PlannedPhase phase = _plan[needed.Phase];
        return new()
        {
            Model = new PathInput(
                topology.Shape, _config.Transformer.Compute,
                [.. needed.Modules.Select(module => new ModuleInput(module.Module, _modules[module.Module].Layout.Parts, module.TrainedFrom) { Delta = module.Published?.Delta })]),
            Optimizer = needed.Optimizer,
            Shard = routed.Chunks[needed.Path],
            Sequences = session.Sequences,
            BatchSequences = _config.Recipe.BatchSequences,
            FirstStep = checked((int)needed.FirstStep),
            ScheduleStep = phase.ScheduleStep,
            Steps = needed.Steps,
            Schedule = session.ScheduleOf(phase.Stage),
            AdamW = session.AdamW,
            Codec = CodecOf(needed.Path),
            Seed = _config.Seed,
            Order = needed.Path.Value,
        };
    }

    /// <summary>A fold of a module. The weights are those of its outer step, though not all contributions are there: they follow from shards.</summary>
    public FoldSpec Fold(NeededFold needed, RoutedCorpus routed)
    {
        ModuleDefinition module = _modules[needed.Start.Module];
        HashSet<PathId> turn = [.. segments.TurnsIn(needed.Start.Version)];
        ImmutableArray<double> weights = OuterWeighting.Normalise(
            _config.Outer.Weights, [.. module.Paths.Where(turn.Contains).Select(path => routed.SizeOf(path).TrainTokens)]);
        int folded = needed.Before?.Paths ?? 0;
        return new FoldSpec(
            topology.Shape, new ModuleInput(module.Id, module.Layout.Parts, needed.Start.Blob),
            [.. needed.Contributions.Select((contribution, i) => new Contribution(contribution.Path, contribution.Blob, weights[folded + i]))])
        {
            Before = SumsOf(needed.Before, weights),
            Encoded = _config.Outer.Codec != DeltaCodec.Fp32,
            Published = _config.Outer.Codec == DeltaCodec.Fp32 ? needed.Start.Published?.Blob : null,
        };
    }

    /// <summary>The outer step of a module.</summary>
    public OuterSpec Outer(NeededOuterStep needed)
    {
        OuterOptimizerOptions outer = _config.Outer;
        ModuleDefinition module = _modules[needed.Start.Module];
        ImmutableArray<double> weights = OuterWeighting.Normalise(
            outer.Weights, [.. needed.Contributions.Select(contribution => (long)contribution.Weight)]);
        Phase phase = needed.Start.Version;
        return new OuterSpec(
            topology.Shape,
            new ModuleInput(module.Id, module.Layout.Parts, needed.Start.Blob),
            needed.Start.Momentum,
            [.. needed.Contributions.Select((contribution, i) => new Contribution(contribution.Path, contribution.Blob, weights[i])).Skip(needed.Folded?.Paths ?? 0)],
            new OuterStepOptions(
                outer.LearningRate, outer.MomentumOf(phase), OuterWeighting.Scale(outer.Rescaling, needed.Contributions.Length, MostPathsIn(phase))))
        {
            Encoded = outer.Codec != DeltaCodec.Fp32,
            Published = outer.Codec == DeltaCodec.Fp32 || outer.Download.IsDelta() ? needed.Start.Published?.Blob : null,
            Download = segments.IsLast(phase) ? DownloadCodec.Fp32 : outer.Download,
            Folded = SumsOf(needed.Folded, weights),
        };
    }

    private static FoldedSums? SumsOf(FoldedGroups? folded, ImmutableArray<double> weights) =>
        folded is null ? null : new FoldedSums(folded.Sums, weights[..folded.Paths]);

    /// <summary>A module that makes no outer step takes over what its path brings as it is.</summary>
    private ContributionCodec? CodecOf(PathId path)
    {
        OuterOptimizerOptions outer = _config.Outer;
        return outer.Codec == DeltaCodec.Fp32 ? null : new ContributionCodec(
            outer.Codec, outer.TopKFraction, outer.ErrorFeedback,
            [.. topology.ModulesOf(path).Select(module => module.Id).Where(module => outer.StepsOn(topology, module))]);
    }

    /// <summary>The largest number of paths that contribute to a module in a phase.</summary>
    private int MostPathsIn(Phase phase)
    {
        if (!_mostPaths.TryGetValue(phase, out int most))
        {
            HashSet<PathId> turn = [.. segments.TurnsIn(phase)];
            most = topology.Modules.Max(module => module.Paths.Count(turn.Contains));
            _mostPaths[phase] = most;
        }

        return most;
    }
}
