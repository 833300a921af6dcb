using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Recipe;

/// <summary>What a run orders of its paths and modules for a segment.</summary>
/// <param name="config">The run's configuration.</param>
/// <param name="topology">The model.</param>
internal sealed class SegmentPlan(RunConfig config, ModelTopology topology)
{
    private readonly PhasePlan _plan = PhasePlan.Of(config);
    private readonly PathTurns _turns = PathTurns.Of(config, topology.Paths);

    /// <summary>The stretches of phases between which documents are sharded anew.</summary>
    /// <param name="first">The first phase.</param>
    public IEnumerable<Segment> SegmentsFrom(Phase first)
    {
        int begin = first.Value;
        for (int end = begin + 1; end <= config.Recipe.Phases; end++)
        {
            if (end == config.Recipe.Phases || config.Discriminative.AfterPhases.Contains(end))
            {
                yield return new Segment(new Phase(begin), new Phase(end));
                begin = end;
            }
        }
    }

    /// <summary>Whether no phase follows: nobody trains from the versions that it ends with.</summary>
    public bool IsLast(Phase phase) => phase.Next.Value >= config.Recipe.Phases;

    /// <summary>The paths with a turn in a phase, in order of their ids.</summary>
    public ImmutableArray<PathId> TurnsIn(Phase phase) => _turns[phase];

    /// <summary>The orders of all paths. Their numbers are set by the run.</summary>
    /// <param name="segment">The phases.</param>
    /// <param name="start">The model at their start.</param>
    /// <param name="weightOf">Weight of a path's contributions, before they are normalised.</param>
    public ImmutableSortedDictionary<PathId, PathOrder> PathsIn(Segment segment, ModelVersion start, Func<PathId, double> weightOf)
    {
        Dictionary<PathId, ImmutableArray<PathTurn>.Builder> turns = topology.Paths.ToDictionary(path => path, _ => ImmutableArray.CreateBuilder<PathTurn>());
        foreach (Phase phase in PhasesOf(segment))
        {
            foreach (PathId path in _turns[phase])
            {
                turns[path].Add(new PathTurn(phase, _plan[phase].Steps));
            }
        }

        return topology.Paths.ToImmutableSortedDictionary(
            path => path,
            path => new PathOrder(
                Number: 0, segment, turns[path].ToImmutable(), [.. topology.ModulesOf(path).Select(module => module.Id)],
                start.Optimizers.TryGetValue(path, out BlobHash optimizer) ? optimizer : null, start.StepsOf(path), weightOf(path)));
    }

    /// <summary>The orders of all modules. Their numbers are set by the run.</summary>
    public ImmutableSortedDictionary<ModuleId, ModuleOrder> ModulesIn(Segment segment, ModelVersion start)
    {
        HashSet<PathId>[] turns = [.. PhasesOf(segment).Select(phase => _turns[phase].ToHashSet())];
        return topology.Modules.ToImmutableSortedDictionary(
            module => module.Id,
            module => new ModuleOrder(
                Number: 0, segment,
                new Rules.ModuleVersion(
                    module.Id, segment.First, start.Modules[module.Id], start.Momenta.TryGetValue(module.Id, out BlobHash momentum) ? momentum : null)
                {
                    Published = start.Published.GetValueOrDefault(module.Id),
                },
                [.. turns.Select(turn => module.Paths.Where(turn.Contains).ToImmutableArray())],
                module.Paths,
                Adopts: !config.Outer.StepsOn(topology, module.Id)) { FoldPaths = config.Outer.FoldPaths });
    }

    private static IEnumerable<Phase> PhasesOf(Segment segment)
    {
        for (Phase phase = segment.First; segment.Contains(phase); phase = phase.Next)
        {
            yield return phase;
        }
    }
}
