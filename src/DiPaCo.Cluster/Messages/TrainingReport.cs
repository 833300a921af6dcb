namespace DiPaCo.Cluster;

/// <summary>One inner step on its way from the worker to the run; see <see cref="Runtime.Tasks.TrainingStep"/>.</summary>
/// <param name="Loss">Mean loss of the batch, nats per scored token.</param>
/// <param name="LearningRate">Learning rate used.</param>
/// <param name="GradientNorm">Global gradient norm before clipping.</param>
/// <param name="Tokens">Scored tokens of the batch.</param>
/// <param name="Flops">Model floating-point operations.</param>
/// <param name="Elapsed">Time of the step.</param>
/// <param name="DataWait">Part of it spent waiting for the batch.</param>
[GenerateSerializer]
public sealed record TrainingReport(
    double Loss, double LearningRate, double GradientNorm, long Tokens, double Flops, TimeSpan Elapsed, TimeSpan DataWait);
