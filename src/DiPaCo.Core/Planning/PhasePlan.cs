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
}
