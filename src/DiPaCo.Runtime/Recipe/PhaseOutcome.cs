namespace DiPaCo.Runtime.Recipe;

/// <summary>What a phase brought.</summary>
/// <param name="Model">The next version of the model.</param>
/// <param name="Tokens">Scored tokens of all paths.</param>
/// <param name="LossSum">Sum of the steps' mean losses.</param>
/// <param name="Steps">Number of steps of all paths.</param>
internal sealed record PhaseOutcome(ModelVersion Model, long Tokens, double LossSum, long Steps);
