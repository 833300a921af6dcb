using System.Text.Json;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// What a training task reports. Sums only: the journal keeps them for ever, and a run has many tasks. The values of every step go
/// to whoever watches the task.
/// </summary>
/// <param name="Steps">Steps made.</param>
/// <param name="LossSum">Sum over the steps of the batch's mean loss, nats per scored token.</param>
/// <param name="Tokens">Scored tokens.</param>
/// <param name="Flops">Floating-point operations of the model: forward and backward over every position, padding included.</param>
/// <param name="Sequences">Sequences read, repetitions counted.</param>
/// <param name="ContributionBytes">Size of what the modules get: parameters, or encoded deltas.</param>
public sealed record TrainMetrics(long Steps, double LossSum, long Tokens, double Flops, long Sequences, long ContributionBytes = 0)
{
    /// <summary>Of no step.</summary>
    public static TrainMetrics None { get; } = new(0, 0, 0, 0, 0);

    /// <summary>What a training task reported.</summary>
    public static TrainMetrics Of(TaskResult result) => JsonSerializer.Deserialize<TrainMetrics>(result.Metrics, TaskJson.Options)!;

    /// <summary>Of both together.</summary>
    public static TrainMetrics operator +(TrainMetrics a, TrainMetrics b) =>
        new(a.Steps + b.Steps, a.LossSum + b.LossSum, a.Tokens + b.Tokens, a.Flops + b.Flops, a.Sequences + b.Sequences, a.ContributionBytes + b.ContributionBytes);
}
