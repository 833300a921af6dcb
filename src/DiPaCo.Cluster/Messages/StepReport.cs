using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>Progress of a task on its way from the worker to the run, for people; see <see cref="TaskStep"/>.</summary>
/// <param name="Done">Units done.</param>
/// <param name="Units">Units in all; 0 when unknown.</param>
/// <param name="Training">Set by training tasks.</param>
[GenerateSerializer]
public sealed record StepReport(long Done, long Units, TrainingReport? Training)
{
    /// <summary>What travels of a step.</summary>
    public static StepReport Of(TaskStep step) => new(step.Done, step.Units, step.Training is not { } made ? null : new TrainingReport(
        made.Loss, made.LearningRate, made.GradientNorm, made.Tokens, made.Flops, made.Elapsed, made.DataWait));

    /// <summary>The step as the run shows it.</summary>
    public TaskStep ToTaskStep() => new(Done, Units, Training is not { } made ? null : new TrainingStep(
        made.Loss, made.LearningRate, made.GradientNorm, made.Tokens, made.Flops, made.Elapsed, made.DataWait));
}
