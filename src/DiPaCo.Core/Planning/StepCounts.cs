using DiPaCo.Core.Configuration;

namespace DiPaCo.Core.Planning;

/// <summary>How many AdamW steps each part of a run makes.</summary>
/// <param name="Base">The dense base model, before the fork.</param>
/// <param name="Path">One path after the fork, T · τ; where a phase trains some of the paths, on average.</param>
/// <param name="Paths">All paths together.</param>
/// <param name="DenseEqualSteps">The dense baseline at equal steps; 0 where it is not asked for.</param>
/// <param name="DenseEqualFlops">The dense baseline at equal total training FLOPs; 0 where it is not asked for, or where one path makes it the same as equal steps.</param>
public sealed record StepCounts(long Base, long Path, long Paths, long DenseEqualSteps, long DenseEqualFlops)
{
    /// <summary>Counts. A baseline that starts at the fork shares the base model's steps; one from scratch makes them itself.</summary>
    /// <param name="config">The run.</param>
    /// <param name="paths">Paths of the topology.</param>
    public static StepCounts Of(RunConfig config, int paths)
    {
        PhasePlan plan = PhasePlan.Of(config);
        PathTurns turns = PathTurns.Of(config, [.. Enumerable.Range(0, paths).Select(path => new PathId(path))]);
        long all = config.Recipe.PathsPerPhase == 0
            ? plan.Steps * paths
            : Enumerable.Range(0, plan.Phases).Select(phase => new Phase(phase)).Sum(phase => (long)plan[phase].Steps * turns.Count(phase));

        // Where only some paths take part in a phase, each has its share of the phases; a dense model at equal steps has at least as many.
        long path = (all + paths - 1) / paths;
        long own = config.Evaluation.DenseStart == DenseStart.Scratch ? config.Recipe.BaseSteps : 0;
        return new StepCounts(
            config.Recipe.BaseSteps,
            path,
            all,
            config.Evaluation.DenseEqualSteps ? own + path : 0,
            config.Evaluation.DenseEqualFlops && paths > 1 ? own + all : 0);
    }
}
