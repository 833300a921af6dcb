using System.Text.Json;
using System.Text.Json.Serialization;
using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>A line of <c>metrics.jsonl</c> about a training step; others are about the time of a stage.</summary>
public sealed record StepMetric
{
    /// <summary>Base, phases or dense.</summary>
    public required Stage Stage { get; init; }

    /// <summary>The path; null for dense models.</summary>
    public PathId? Path { get; init; }

    /// <summary>Which baseline, in the stage that trains them one after the other; null in the other stages.</summary>
    public ModelKind? Baseline { get; init; }

    /// <summary>The phase; null outside phases.</summary>
    public Phase? Phase { get; init; }

    /// <summary>Steps of this model so far, this one included; those of the base model that it continues are not.</summary>
    public required int Step { get; init; }

    /// <summary>Mean loss of the batch, nats per token.</summary>
    public required double Loss { get; init; }

    /// <summary>Learning rate used.</summary>
    [JsonPropertyName("lr")]
    public required double LearningRate { get; init; }

    /// <summary>Global gradient norm before clipping.</summary>
    [JsonPropertyName("gradNorm")]
    public required double GradientNorm { get; init; }

    /// <summary>Scored tokens of the batch.</summary>
    public required long Tokens { get; init; }

    /// <summary>Time of the step.</summary>
    public required double Seconds { get; init; }

    /// <summary>Part of it spent waiting for the batch, seconds.</summary>
    public double DataWait { get; init; }

    /// <summary>The line of a step.</summary>
    public static StepMetric Of(StepMade step) => new()
    {
        Stage = step.Stage,
        Path = step.Path,
        Baseline = step.Baseline,
        Phase = step.Phase,
        Step = step.Step,
        Loss = step.Loss,
        LearningRate = step.LearningRate,
        GradientNorm = step.GradientNorm,
        Tokens = step.Tokens,
        Seconds = step.Elapsed.TotalSeconds,
        DataWait = step.DataWait.TotalSeconds,
    };

    /// <summary>The record as one line of JSON, without the line's end.</summary>
    public string ToLine() => JsonSerializer.Serialize(this, RunJson.Line);
}
