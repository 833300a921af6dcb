namespace DiPaCo.Core.Planning;

/// <summary>One row of the plan's table.</summary>
/// <param name="Name">What is computed.</param>
/// <param name="Steps">AdamW steps; 0 where nothing is trained.</param>
/// <param name="Tokens">Tokens that pass through a model.</param>
/// <param name="Flops">Floating-point operations.</param>
/// <param name="Seconds">Estimated time; null where no rate is known.</param>
public sealed record PlannedStage(string Name, long Steps, long Tokens, double Flops, double? Seconds);
