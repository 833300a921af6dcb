namespace DiPaCo.Cluster;

/// <summary>What a run that waits for a task is told.</summary>
/// <param name="IsKnown">The dispatcher has the task; otherwise it has to be ordered again.</param>
/// <param name="Steps">Progress since the last question.</param>
/// <param name="Delivery">The result, once there is one.</param>
/// <param name="Failure">Why there will be none; null: there may be one.</param>
/// <param name="Failures">Attempts that have failed.</param>
/// <param name="Worker">Who has delivered.</param>
/// <param name="Fingerprint">How that worker rounds.</param>
[GenerateSerializer]
[Immutable]
public sealed record TaskNews(bool IsKnown, StepBatch Steps, TaskDelivery? Delivery, GivenBack? Failure, int Failures, string Worker = "", string Fingerprint = "");
