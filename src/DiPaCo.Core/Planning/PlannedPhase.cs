using DiPaCo.Core.Configuration;

namespace DiPaCo.Core.Planning;

/// <summary>The steps of one phase.</summary>
/// <param name="Stage">Its stage, with τ and the schedule's constants.</param>
/// <param name="ScheduleStep">Place of its first step in the stage's schedule, from 0.</param>
/// <param name="StepsBefore">Steps of all phases before it.</param>
public sealed record PlannedPhase(PhaseStage Stage, int ScheduleStep, long StepsBefore)
{
    /// <summary>Inner steps τ.</summary>
    public int Steps => Stage.InnerSteps;
}
