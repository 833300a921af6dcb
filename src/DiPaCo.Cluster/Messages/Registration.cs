namespace DiPaCo.Cluster;

/// <summary>What a silo answers to a worker that registers.</summary>
/// <param name="Clock">The silo's time.</param>
/// <param name="Lease">How long a lease lasts without a heartbeat.</param>
/// <param name="Patience">How long a question for work waits for an answer.</param>
[GenerateSerializer]
public sealed record Registration(DateTimeOffset Clock, TimeSpan Lease, TimeSpan Patience);
