using System.Collections.Immutable;

namespace DiPaCo.Cluster;

/// <summary>What workers and tasks of a cluster do now, for people.</summary>
/// <param name="Workers">All workers that are or were there lately.</param>
/// <param name="Tasks">All tasks that are wanted.</param>
[GenerateSerializer]
[Immutable]
public sealed record ClusterStatus(ImmutableArray<WorkerStatus> Workers, ImmutableArray<TaskStatusLine> Tasks);
