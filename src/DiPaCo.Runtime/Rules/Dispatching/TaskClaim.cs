namespace DiPaCo.Runtime.Rules;

/// <summary>Somebody who wants a task. Two runs may want the same one: it is computed once.</summary>
/// <param name="Run">The run.</param>
/// <param name="Owner">Who in the run.</param>
public readonly record struct TaskClaim(RunId Run, TaskOwner Owner);
