namespace DiPaCo.Runtime;

/// <summary>Time that a stage took, over all sessions of the run.</summary>
/// <param name="Stage">Which.</param>
/// <param name="Elapsed">How long.</param>
public sealed record StageTime(Stage Stage, TimeSpan Elapsed);
