namespace DiPaCo.Cluster;

/// <summary>A task that a worker holds for a while.</summary>
/// <param name="Lease">Number of the lease; every later one is larger.</param>
/// <param name="Run">The run it belongs to.</param>
/// <param name="Key">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Spec">Its description, <see cref="Runtime.Tasks.TaskSpecJson"/>.</param>
/// <param name="HeartbeatEvery">How often to say that it is still worked on.</param>
/// <param name="Expected">How long it should take on this worker; zero: unknown.</param>
/// <param name="From">Where to go on; null: at the beginning.</param>
/// <param name="Share">Part of what is left that the worker is to make before it gives the task back, above 0 to 1.</param>
[GenerateSerializer]
[Immutable]
public sealed record LeasedTask(
    long Lease, string Run, string Key, string Kind, byte[] Spec, TimeSpan HeartbeatEvery, TimeSpan Expected, HandOver? From = null, double Share = 1);
