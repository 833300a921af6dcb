namespace DiPaCo.Runtime.Tasks;

/// <summary>Progress of a task. For people only: times are in it.</summary>
/// <param name="Done">Units done.</param>
/// <param name="Units">Units in all; 0 when unknown.</param>
/// <param name="Training">Set by training tasks.</param>
public sealed record TaskStep(long Done, long Units, TrainingStep? Training = null);

/// <summary>One inner step.</summary>
/// <param name="Loss">Mean loss of the batch, nats per scored token.</param>
/// <param name="LearningRate">Learning rate used.</param>
/// <param name="GradientNorm">Global gradient norm before clipping.</param>
/// <param name="Tokens">Scored tokens of the batch.</param>
/// <param name="Flops">Model floating-point operations.</param>
/// <param name="Elapsed">Time of the step.</param>
/// <param name="DataWait">Part of it spent waiting for the batch.</param>
public sealed record TrainingStep(
    double Loss, double LearningRate, double GradientNorm, long Tokens, double Flops, TimeSpan Elapsed, TimeSpan DataWait);
