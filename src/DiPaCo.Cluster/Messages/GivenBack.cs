namespace DiPaCo.Cluster;

/// <summary>A task that a worker gives back.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Message">The same for people; empty when the worker leaves.</param>
/// <param name="State">Where it left the task; null: where it found it.</param>
/// <param name="Progress">Steps that no heartbeat has told yet; null: none.</param>
[GenerateSerializer]
[Immutable]
public sealed record GivenBack(GiveBackReason Reason, string Message, HandOver? State = null, StepBatch? Progress = null);
