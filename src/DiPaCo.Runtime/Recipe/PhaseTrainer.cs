using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>One phase (paper Algorithm 1): every path makes τ inner steps on its shard, then every module its outer step.</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="routed">The shards.</param>
internal sealed class PhaseTrainer(RunSession session, ModelTopology topology, RoutedCorpus routed)
{
    private readonly LearningRateSchedule _schedule = new(
        session.Config.Inner.LearningRate, session.Config.Inner.WarmupSteps,
        session.Config.Recipe.Phases * session.Config.Recipe.InnerSteps, session.Config.Inner.FinalShare);

    private readonly int _maxPaths = topology.Modules.Max(module => module.Paths.Length);

    /// <summary>Makes one phase.</summary>
    public async Task<PhaseOutcome> RunAsync(ModelVersion model, CancellationToken cancellationToken)
    {
        SortedDictionary<PathId, TaskResult> trained = [];
        TrainMetrics sum = TrainMetrics.None;
        foreach (PathId path in topology.Paths)
        {
            TaskResult result = await session.TrainAsync(
                Inner(model, path), ModelKind.Routed, path, model.Phase, StepsBefore(model.Phase, trained.Count), cancellationToken);
            trained[path] = result;
            sum += JsonSerializer.Deserialize<TrainMetrics>(result.Metrics, TaskJson.Options)!;
        }

        ImmutableSortedDictionary<ModuleId, BlobHash>.Builder modules = model.Modules.ToBuilder();
        ImmutableSortedDictionary<ModuleId, BlobHash>.Builder momenta = model.Momenta.ToBuilder();
        ImmutableArray<OuterGradient>.Builder gradients = ImmutableArray.CreateBuilder<OuterGradient>();
        foreach (ModuleDefinition module in topology.Modules)
        {
            if (module.Paths.Length == 1 && !session.Config.Outer.PrivateModules)
            {
                modules[module.Id] = trained[module.Paths[0]][module.Id.Name];
                continue;
            }

            TaskResult result = await session.Tasks.RunAsync(Outer(model, module, trained), null, cancellationToken);
            modules[module.Id] = result[OuterSpec.ModuleOutput];
            momenta[module.Id] = result[OuterSpec.MomentumOutput];
            if (module.Paths.Length > 1)
            {
                OuterMetrics metrics = JsonSerializer.Deserialize<OuterMetrics>(result.Metrics, TaskJson.Options)!;
                gradients.Add(new OuterGradient(module.Id, model.Phase, module.Paths.Length, metrics.Norm, metrics.Cosine));
            }
        }

        ModelVersion next = new(
            model.Phase.Next, modules.ToImmutable(), momenta.ToImmutable(),
            trained.ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value[TrainSpec.OptimizerOutput]));
        return new PhaseOutcome(next, sum, gradients.ToImmutable());
    }

    private TrainSpec Inner(ModelVersion model, PathId path)
    {
        RunConfig config = session.Config;
        return new()
        {
            Model = model.PathOf(topology, path, config.Transformer.Compute),
            Optimizer = model.Optimizers.TryGetValue(path, out BlobHash state) ? state : null,
            Shard = routed.Chunks[path],
            Sequences = session.Sequences,
            BatchSequences = config.Recipe.BatchSequences,
            FirstStep = model.Phase.Value * config.Recipe.InnerSteps,
            Steps = config.Recipe.InnerSteps,
            Schedule = _schedule,
            AdamW = session.AdamW,
            Seed = config.Seed,
            Order = path.Value,
        };
    }

    private OuterSpec Outer(ModelVersion model, ModuleDefinition module, SortedDictionary<PathId, TaskResult> trained)
    {
        OuterOptimizerOptions outer = session.Config.Outer;
        ImmutableArray<double> weights = OuterWeighting.Normalise(
            outer.Weights, [.. module.Paths.Select(path => routed.SizeOf(path).TrainTokens)]);
        double scale = OuterWeighting.Scale(outer.Rescaling, module.Paths.Length, _maxPaths);
        return new OuterSpec(
            topology.Shape,
            new ModuleInput(module.Id, module.Layout.Parts, model.Modules[module.Id]),
            model.Momenta.TryGetValue(module.Id, out BlobHash momentum) ? momentum : null,
            [.. module.Paths.Select((path, i) => new Contribution(path, trained[path][module.Id.Name], weights[i]))],
            new OuterStepOptions(outer.LearningRate, outer.Momentum, scale));
    }

    private long StepsBefore(Phase phase, int pathsDone) =>
        ((long)phase.Value * topology.Paths.Length + pathsDone) * session.Config.Recipe.InnerSteps;
}
