namespace DiPaCo.Cluster;

/// <summary>A task that a worker holds for a while.</summary>
/// <param name="Lease">Number of the lease; a later one of the same task is larger.</param>
/// <param name="Run">The run it belongs to.</param>
/// <param name="Key">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Spec">Its description, <see cref="Runtime.Tasks.TaskSpecJson"/>.</param>
/// <param name="Duration">How long the lease lasts without a heartbeat.</param>
/// <param name="Expected">How long it should take on this worker; zero: unknown.</param>
[GenerateSerializer]
public sealed record LeasedTask(long Lease, string Run, string Key, string Kind, byte[] Spec, TimeSpan Duration, TimeSpan Expected);
