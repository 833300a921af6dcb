using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>Where a task stands.</summary>
/// <param name="Key">The task.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Run">The run that first wanted it.</param>
/// <param name="Owner">Who in the run.</param>
/// <param name="WaitsOn">What it waits on and since when.</param>
/// <param name="Attempts">How often it was leased.</param>
/// <param name="LastFailure">Why the last failed attempt failed; null: none did.</param>
public sealed record TaskLine(TaskKey Key, string Kind, RunId Run, TaskOwner Owner, WaitReason WaitsOn, int Attempts, string? LastFailure);
