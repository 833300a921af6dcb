namespace DiPaCo.Runtime.Rules;

/// <summary>A run tells the dispatcher what it wants of its tasks.</summary>
/// <param name="Run">The run.</param>
/// <param name="Number">Grows with each change of mind.</param>
/// <param name="Demand">What it wants.</param>
public sealed record StandingNotice(RunId Run, long Number, RunDemand Demand);
