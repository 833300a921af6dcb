using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>One phase (paper Algorithm 1): the paths whose turn it is make τ inner steps on their shards, then their modules an outer step each.</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
internal sealed class PhaseTrainer(RunSession session, ModelTopology topology)
{
    private readonly RunConfig _config = session.Config;
    private readonly PhasePlan _plan = PhasePlan.Of(session.Config);
    private readonly PathTurns _turns = PathTurns.Of(session.Config, topology.Paths);
    private long _stepsBefore;

    /// <summary>Makes one phase.</summary>
    /// <param name="model">The model at its start.</param>
    /// <param name="routed">The shards.</param>
    /// <param name="cancellationToken">Ends the phase; finished tasks are kept.</param>
    public async Task<PhaseOutcome> RunAsync(ModelVersion model, RoutedCorpus routed, CancellationToken cancellationToken)
    {
        SortedDictionary<PathId, TaskResult> trained = [];
        TrainMetrics sum = TrainMetrics.None;
        foreach (PathId path in _turns[model.Phase])
        {
            TrainSpec spec = Inner(model, routed, path);
            TaskResult result = await session.TrainAsync(spec, ModelKind.Routed, path, model.Phase, _stepsBefore, cancellationToken);
            _stepsBefore += spec.Steps;
            trained[path] = result;
            sum += TrainMetrics.Of(result);
        }

        OuterSpec[] outer = [.. topology.Modules.Select(module => Outer(model, routed, module, trained)).OfType<OuterSpec>()];
        int mostPaths = outer.Max(spec => spec.Contributions.Length);
        ImmutableSortedDictionary<ModuleId, BlobHash>.Builder modules = model.Modules.ToBuilder();
        ImmutableSortedDictionary<ModuleId, BlobHash>.Builder momenta = model.Momenta.ToBuilder();
        ImmutableArray<OuterGradient>.Builder gradients = ImmutableArray.CreateBuilder<OuterGradient>();
        foreach (OuterSpec spec in outer)
        {
            ModuleId module = spec.Module.Id;
            if (!_config.Outer.PrivateModules && topology.IsPrivate(module))
            {
                modules[module] = spec.Contributions[0].Blob;
                continue;
            }

            double scale = OuterWeighting.Scale(_config.Outer.Rescaling, spec.Contributions.Length, mostPaths);
            TaskResult result = await OuterAsync(spec with { Options = spec.Options with { Scale = scale } }, model.Phase, cancellationToken);
            modules[module] = result[OuterSpec.ModuleOutput];
            momenta[module] = result[OuterSpec.MomentumOutput];
            OuterMetrics metrics = JsonSerializer.Deserialize<OuterMetrics>(result.Metrics, TaskJson.Options)!;
            gradients.Add(new OuterGradient(module, model.Phase, spec.Contributions.Length, metrics.Norm, metrics.DeltaNorm, metrics.Cosine));
        }

        ModelVersion next = model with
        {
            Phase = model.Phase.Next,
            Modules = modules.ToImmutable(),
            Momenta = momenta.ToImmutable(),
            Optimizers = model.Optimizers.SetItems(trained.Select(entry => KeyValuePair.Create(entry.Key, entry.Value[TrainSpec.OptimizerOutput]))),
            StepsMade = model.StepsMade.SetItems(trained.Keys.Select(path => KeyValuePair.Create(path, model.StepsOf(path) + _plan[model.Phase].Steps))),
        };
        return new PhaseOutcome(next, sum, gradients.ToImmutable());
    }

    private TrainSpec Inner(ModelVersion model, RoutedCorpus routed, PathId path)
    {
        PlannedPhase phase = _plan[model.Phase];
        return new()
        {
            Model = model.PathOf(topology, path, _config.Transformer.Compute),
            Optimizer = model.Optimizers.TryGetValue(path, out BlobHash state) ? state : null,
            Shard = routed.Chunks[path],
            Sequences = session.Sequences,
            BatchSequences = _config.Recipe.BatchSequences,
            FirstStep = model.StepsOf(path),
            ScheduleStep = phase.ScheduleStep,
            Steps = phase.Steps,
            Schedule = session.ScheduleOf(phase.Stage),
            AdamW = session.AdamW,
            Seed = _config.Seed,
            Order = path.Value,
        };
    }

    /// <summary>The outer step of a module; null where none of its paths took part.</summary>
    private OuterSpec? Outer(ModelVersion model, RoutedCorpus routed, ModuleDefinition module, SortedDictionary<PathId, TaskResult> trained)
    {
        OuterOptimizerOptions outer = _config.Outer;
        PathId[] paths = [.. module.Paths.Where(trained.ContainsKey)];
        if (paths.Length == 0)
        {
            return null;
        }

        ImmutableArray<double> weights = OuterWeighting.Normalise(outer.Weights, [.. paths.Select(path => routed.SizeOf(path).TrainTokens)]);
        return new OuterSpec(
            topology.Shape,
            new ModuleInput(module.Id, module.Layout.Parts, model.Modules[module.Id]),
            model.Momenta.TryGetValue(module.Id, out BlobHash momentum) ? momentum : null,
            [.. paths.Select((path, i) => new Contribution(path, trained[path][module.Id.Name], weights[i]))],
            new OuterStepOptions(outer.LearningRate, outer.MomentumOf(model.Phase), Scale: 1));
    }

    private async Task<TaskResult> OuterAsync(OuterSpec spec, Phase phase, CancellationToken cancellationToken)
    {
        try
        {
            return await session.Tasks.RunAsync(spec, null, cancellationToken);
        }
        catch (NonFiniteStepException exception)
        {
            throw new DiPaCoException($"The outer step of module {spec.Module.Id} in phase {phase.Value + 1} was not made. {exception.Message}", exception);
        }
    }
}
