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
    private readonly StageCount _steps = new();

    /// <summary>Makes one phase.</summary>
    /// <param name="model">The model at its start.</param>
    /// <param name="routed">The shards.</param>
    /// <param name="cancellationToken">Ends the phase; finished tasks are kept.</param>
    public async Task<PhaseOutcome> RunAsync(ModelVersion model, RoutedCorpus routed, CancellationToken cancellationToken)
    {
        ImmutableArray<PathId> turn = _turns[model.Phase];
        Dictionary<PathId, TaskCompletionSource<TaskResult>> ends =
            turn.ToDictionary(path => path, _ => new TaskCompletionSource<TaskResult>(TaskCreationOptions.RunContinuationsAsynchronously));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<ImmutableArray<TaskResult>> training = session.ForEachAsync(turn, (path, token) => TrainAsync(model, routed, path, ends[path], token), ended.Token);
        if (!session.Tasks.IsParallel)
        {
            await training;
        }

        // A module's step begins as soon as all its paths are there, whatever the others still do.
        ModuleDefinition[] modules = [.. topology.Modules.Where(module => module.Paths.Any(ends.ContainsKey))];
        int mostPaths = modules.Max(module => module.Paths.Count(ends.ContainsKey));
        Task<ImmutableArray<ModuleEnd>> stepping = session.ForEachAsync(modules, async (module, token) =>
        {
            (PathId Path, TaskResult End)[] contributions = await Task.WhenAll(
                module.Paths.Where(ends.ContainsKey).Select(async path => (path, await ends[path].Task.WaitAsync(token))));
            return await StepAsync(Outer(model, routed, module, contributions), model.Phase, mostPaths, token);
        }, ended.Token);
        try
        {
            await training;
        }
        catch
        {
            await ended.CancelAsync();
            await ((Task)stepping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        return Outcome(model, turn, await training, await stepping);
    }

    private async Task<TaskResult> TrainAsync(
        ModelVersion model, RoutedCorpus routed, PathId path, TaskCompletionSource<TaskResult> end, CancellationToken cancellationToken)
    {
        try
        {
            TaskResult result = await session.TrainAsync(Inner(model, routed, path), ModelKind.Routed, path, model.Phase, _steps, cancellationToken);
            end.SetResult(result);
            return result;
        }
        catch
        {
            end.TrySetCanceled(CancellationToken.None);
            throw;
        }
    }

    private PhaseOutcome Outcome(ModelVersion model, ImmutableArray<PathId> turn, ImmutableArray<TaskResult> trained, ImmutableArray<ModuleEnd> stepped)
    {
        ModelVersion next = model with
        {
            Phase = model.Phase.Next,
            Modules = model.Modules.SetItems(stepped.Select(end => KeyValuePair.Create(end.Module, end.Parameters))),
            Momenta = model.Momenta.SetItems(stepped.Where(end => end.Momentum is not null).Select(end => KeyValuePair.Create(end.Module, end.Momentum!.Value))),
            Optimizers = model.Optimizers.SetItems(turn.Zip(trained, (path, result) => KeyValuePair.Create(path, result[TrainSpec.OptimizerOutput]))),
            StepsMade = model.StepsMade.SetItems(turn.Select(path => KeyValuePair.Create(path, model.StepsOf(path) + _plan[model.Phase].Steps))),
        };
        return new PhaseOutcome(
            next,
            trained.Aggregate(TrainMetrics.None, (sum, result) => sum + TrainMetrics.Of(result)),
            [.. stepped.Select(end => end.Gradient).OfType<OuterGradient>()]);
    }

    private async Task<ModuleEnd> StepAsync(OuterSpec spec, Phase phase, int mostPaths, CancellationToken cancellationToken)
    {
        ModuleId module = spec.Module.Id;
        if (!_config.Outer.PrivateModules && topology.IsPrivate(module))
        {
            return new ModuleEnd(module, spec.Contributions[0].Blob, null, null);
        }

        double scale = OuterWeighting.Scale(_config.Outer.Rescaling, spec.Contributions.Length, mostPaths);
        TaskResult result = await OuterAsync(spec with { Options = spec.Options with { Scale = scale } }, phase, cancellationToken);
        OuterMetrics metrics = JsonSerializer.Deserialize<OuterMetrics>(result.Metrics, TaskJson.Options)!;
        return new ModuleEnd(
            module, result[OuterSpec.ModuleOutput], result[OuterSpec.MomentumOutput],
            new OuterGradient(module, phase, spec.Contributions.Length, metrics.Norm, metrics.DeltaNorm, metrics.Cosine));
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

    private OuterSpec Outer(ModelVersion model, RoutedCorpus routed, ModuleDefinition module, (PathId Path, TaskResult End)[] contributions)
    {
        OuterOptimizerOptions outer = _config.Outer;
        ImmutableArray<double> weights = OuterWeighting.Normalise(
            outer.Weights, [.. contributions.Select(contribution => routed.SizeOf(contribution.Path).TrainTokens)]);
        return new OuterSpec(
            topology.Shape,
            new ModuleInput(module.Id, module.Layout.Parts, model.Modules[module.Id]),
            model.Momenta.TryGetValue(module.Id, out BlobHash momentum) ? momentum : null,
            [.. contributions.Select((contribution, i) => new Contribution(contribution.Path, contribution.End[module.Id.Name], weights[i]))],
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

    /// <summary>A module after its outer step.</summary>
    private sealed record ModuleEnd(ModuleId Module, BlobHash Parameters, BlobHash? Momentum, OuterGradient? Gradient);
}
