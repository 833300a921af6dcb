using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Puts together what each phase brought, from tasks that end in any order: without a global barrier, some belong to later phases.</summary>
/// <param name="start">The model at the start of the segment.</param>
/// <param name="topology">The model's paths and modules.</param>
/// <param name="segments">Who has a turn when.</param>
internal sealed class PhaseCollector(ModelVersion start, ModelTopology topology, SegmentPlan segments)
{
    private readonly Dictionary<(PathId Path, Phase Phase), (TaskResult Result, PathConsumption Consumed)> _trained = [];
    private readonly Dictionary<(ModuleId Module, Phase Phase), (TaskResult Result, int Paths, PublishedVersion? Published)> _stepped = [];

    /// <summary>The model after the last phase that was taken.</summary>
    public ModelVersion Model { get; private set; } = start;

    /// <summary>A path has trained a phase.</summary>
    public void Add(NeededTraining needed, TrainSpec spec, TaskResult result)
    {
        TrainMetrics metrics = TrainMetrics.Of(result);
        _trained[(needed.Path, needed.Phase)] = (result, new PathConsumption(
            needed.Path, spec.Key().Hex, needed.FirstStep, needed.Steps, metrics.Sequences, metrics.Tokens, spec.Shard));
    }

    /// <summary>A module has made the outer step that ends a phase.</summary>
    public void Add(NeededOuterStep needed, TaskResult result, PublishedVersion? published) =>
        _stepped[(needed.Start.Module, needed.Start.Version)] = (result, needed.Contributions.Length, published);

    /// <summary>What the next phase brought, of which everything must be there.</summary>
    /// <param name="ledger">What its paths have consumed.</param>
    public PhaseOutcome Take(PhaseLedger ledger)
    {
        Phase phase = ledger.Phase;
        ModelVersion before = Model;
        TrainMetrics training = TrainMetrics.None;
        ImmutableSortedDictionary<PathId, BlobHash>.Builder optimizers = before.Optimizers.ToBuilder();
        ImmutableSortedDictionary<PathId, int>.Builder steps = before.StepsMade.ToBuilder();
        ImmutableArray<PathId> turn = segments.TurnsIn(phase);
        ImmutableArray<PathConsumption>.Builder consumed = ImmutableArray.CreateBuilder<PathConsumption>(turn.Length);
        foreach (PathId path in turn)
        {
            (TaskResult result, PathConsumption read) = _trained[(path, phase)];
            consumed.Add(read);
            training += TrainMetrics.Of(result);
            optimizers[path] = result[TrainSpec.OptimizerOutput];
            steps[path] = before.StepsOf(path) + (int)read.Steps;
        }

        ImmutableSortedDictionary<ModuleId, BlobHash>.Builder modules = before.Modules.ToBuilder();
        ImmutableSortedDictionary<ModuleId, BlobHash>.Builder momenta = before.Momenta.ToBuilder();
        ImmutableSortedDictionary<ModuleId, PublishedVersion>.Builder published = before.Published.ToBuilder();
        ImmutableArray<OuterGradient>.Builder gradients = ImmutableArray.CreateBuilder<OuterGradient>();
        foreach (ModuleDefinition module in topology.Modules)
        {
            if (_stepped.Remove((module.Id, phase), out (TaskResult Result, int Paths, PublishedVersion? Published) step))
            {
                published.Remove(module.Id);
                if (step.Published is { } next)
                {
                    published[module.Id] = next;
                }

                modules[module.Id] = step.Result[OuterSpec.ModuleOutput];
                momenta[module.Id] = step.Result[OuterSpec.MomentumOutput];
                OuterMetrics metrics = JsonSerializer.Deserialize<OuterMetrics>(step.Result.Metrics, TaskJson.Options)!;
                gradients.Add(new OuterGradient(module.Id, phase, step.Paths, metrics.Norm, metrics.DeltaNorm, metrics.Cosine));
            }
            else if (topology.IsPrivate(module.Id) && _trained.TryGetValue((module.Paths[0], phase), out (TaskResult Result, PathConsumption Consumed) adopted))
            {
                modules[module.Id] = adopted.Result[module.Id.Name];
            }
        }

        foreach (PathId path in turn)
        {
            _trained.Remove((path, phase));
        }

        Model = before with
        {
            Phase = phase.Next,
            Modules = modules.ToImmutable(),
            Momenta = momenta.ToImmutable(),
            Published = segments.IsLast(phase) ? before.Published.Clear() : published.ToImmutable(),
            Optimizers = optimizers.ToImmutable(),
            StepsMade = steps.ToImmutable(),
        };
        return new PhaseOutcome(Model, training, gradients.ToImmutable()) { Ledger = ledger, Consumed = consumed.ToImmutable() };
    }
}
