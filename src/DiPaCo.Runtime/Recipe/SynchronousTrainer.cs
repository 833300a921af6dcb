using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>As many synchronous steps as a phase has inner steps (paper §4.5): the baseline that exchanges gradients at every step.</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
internal sealed class SynchronousTrainer(RunSession session, ModelTopology topology)
{
    private readonly RunConfig _config = session.Config;
    private readonly PhasePlan _plan = PhasePlan.Of(session.Config);

    /// <summary>Makes the steps of one phase.</summary>
    public async Task<PhaseOutcome> RunAsync(ModelVersion model, RoutedCorpus routed, CancellationToken cancellationToken)
    {
        PlannedPhase phase = _plan[model.Phase];
        SynchronousSpec spec = new()
        {
            Shape = topology.Shape,
            Compute = _config.Transformer.Compute,
            Modules = [.. topology.Modules.Select(module => new ModuleInput(module.Id, module.Layout.Parts, model.Modules[module.Id]))],
            Paths = Paths(routed),
            Optimizer = model.GridOptimizer,
            Sequences = session.Sequences,
            BatchSequences = _config.Recipe.BatchSequences,
            FirstStep = checked((int)phase.StepsBefore),
            ScheduleStep = phase.ScheduleStep,
            Steps = phase.Steps,
            Schedule = session.ScheduleOf(phase.Stage),
            AdamW = session.AdamW,
            Seed = _config.Seed,
        };
        TaskResult result = await session.TrainAsync(spec, model.Phase, phase.StepsBefore * topology.Paths.Length, cancellationToken);
        ModelVersion next = model with
        {
            Phase = model.Phase.Next,
            Modules = topology.Modules.ToImmutableSortedDictionary(module => module.Id, module => result[module.Id.Name]),
            GridOptimizer = result[TrainSpec.OptimizerOutput],
        };
        return new PhaseOutcome(next, TrainMetrics.Of(result), []);
    }

    private ImmutableArray<SynchronousPath> Paths(RoutedCorpus routed)
    {
        Dictionary<(ModuleId, PathId), double> weights = [];
        foreach (ModuleDefinition module in topology.Modules)
        {
            ImmutableArray<double> shares = OuterWeighting.Normalise(_config.Outer.Weights, [.. module.Paths.Select(path => routed.SizeOf(path).TrainTokens)]);
            for (int i = 0; i < module.Paths.Length; i++)
            {
                weights[(module.Id, module.Paths[i])] = shares[i];
            }
        }

        return
        [
            .. topology.Paths.Select(path =>
            {
                ImmutableArray<ModuleId> modules = [.. topology.ModulesOf(path).Select(module => module.Id)];
                return new SynchronousPath(path, modules, [.. modules.Select(module => weights[(module, path)])], routed.Chunks[path]);
            }),
        ];
    }
}
