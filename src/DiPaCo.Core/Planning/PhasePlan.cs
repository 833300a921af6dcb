using System.Collections.Immutable;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Core.Planning;

/// <summary>Which steps each phase makes, and where they stand in the schedule of their stage.</summary>
public sealed class PhasePlan
{
    private readonly ImmutableArray<PhaseStage> _stages;

    private PhasePlan(ImmutableArray<PhaseStage> stages) => _stages = stages;

    /// <summary>Number of phases.</summary>
    public int Phases => _stages.Sum(stage => stage.Phases);

    /// <summary>Steps of a path that takes part in every phase.</summary>
    public long Steps => _stages.Sum(stage => stage.Steps);

    /// <summary>The stage that the paths begin with at the fork.</summary>
    public PhaseStage First => _stages[0];

    /// <summary>The phases of a run: its stages, or one of all its phases.</summary>
    public static PhasePlan Of(RunConfig config) => new(
        config.Recipe.Stages.IsEmpty
            ? [new PhaseStage(config.Recipe.Phases, config.Recipe.InnerSteps, config.Inner.LearningRate, config.Inner.WarmupSteps)]
            : config.Recipe.Stages);

    /// <summary>A phase, counted from 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such phase.</exception>
    public PlannedPhase this[Phase phase]
    {
        get
        {
            int left = phase.Value;
            long before = 0;
            foreach (PhaseStage stage in _stages)
            {
                if (left < stage.Phases)
                {
                    return new PlannedPhase(stage, left * stage.InnerSteps, before + ((long)left * stage.InnerSteps));
                }

                left -= stage.Phases;
                before += stage.Steps;
            }

            throw new ArgumentOutOfRangeException(nameof(phase), phase, $"There are {Phases} phases.");
        }
    }

    /// <summary>
    /// The learning rates of a model that makes other steps than a path, as a dense model at equal FLOPs does: its stages have the shares that those of a path have, one
    /// after the other, each with a schedule of its own. Stages that are left without a step are left out.
    /// </summary>
    /// <param name="steps">All steps of that model.</param>
    /// <returns>The stages with the steps of each.</returns>
    public ImmutableArray<(PhaseStage Stage, int Steps)> Over(long steps)
    {
        Int128 all = Steps;
        ImmutableArray<(PhaseStage, int)>.Builder parts = ImmutableArray.CreateBuilder<(PhaseStage, int)>();
        (long before, long end) = (0, 0);
        foreach (PhaseStage stage in _stages)
        {
            (long begin, before) = (end, before + stage.Steps);
            end = (long)(((before * (Int128)steps) + (all / 2)) / all);
            if (end > begin)
            {
                parts.Add((stage, checked((int)(end - begin))));
            }
        }

        return parts.ToImmutable();
    }
}
