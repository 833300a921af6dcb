using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>An owner is told how its task ended.</summary>
/// <param name="Key">The task.</param>
/// <param name="Run">The run.</param>
/// <param name="Owner">Who in the run.</param>
/// <param name="SettledBy">Comes back with the acknowledgement.</param>
/// <param name="Outcome">The result; null: there is none.</param>
/// <param name="GaveUp">Why there is none; null: there is one.</param>
public sealed record TaskSettled(TaskKey Key, RunId Run, TaskOwner Owner, LeaseNumber SettledBy, TaskOutcome? Outcome, string? GaveUp);
