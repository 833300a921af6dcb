namespace DiPaCo.Cluster;

/// <summary>A worker says that it is still at a task.</summary>
/// <param name="Worker">The worker's name.</param>
/// <param name="Incarnation">Its incarnation.</param>
/// <param name="Lease">The lease.</param>
/// <param name="Key">The task.</param>
/// <param name="DoneFraction">Part of it that is done, 0 to 1.</param>
/// <param name="Elapsed">Time spent on it under this lease.</param>
/// <param name="Progress">Steps that no heartbeat has told yet.</param>
[GenerateSerializer]
[Immutable]
public sealed record HeartbeatNote(
    string Worker, long Incarnation, long Lease, string Key, double DoneFraction, TimeSpan Elapsed, StepBatch Progress);
