using System.Text.Json.Serialization;

namespace DiPaCo.Core.Planning;

/// <summary>One row of the plan's table.</summary>
/// <param name="Name">What is computed.</param>
/// <param name="Steps">AdamW steps; 0 where nothing is trained.</param>
/// <param name="Tokens">Tokens that pass through a model; where several paths score the same text, once for each of them.</param>
/// <param name="Flops">Floating-point operations.</param>
/// <param name="Seconds">Estimated time; null where no rate is known.</param>
public sealed record PlannedStage(string Name, long Steps, long Tokens, double Flops, double? Seconds)
{
    /// <summary>What it is for.</summary>
    public PlannedWork Work { get; init; }

    /// <summary>How often the parts of a module are computed for a batch, where paths are scored as a tree; null elsewhere.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ModuleEvaluations { get; init; }

    /// <summary>Bytes of losses that the stage stores at one time, for the next one to read; null where it stores none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LossBytes { get; init; }

    /// <summary>Why there are more losses than a run can keep, and what to change; null where there are not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LossProblem { get; init; }
}
