using System.Collections.Immutable;

namespace DiPaCo.Cluster;

/// <summary>A cluster as somebody sees it from outside.</summary>
/// <param name="Status">Workers, and the first tasks.</param>
/// <param name="TaskCount">All tasks.</param>
/// <param name="Clock">The silo's time.</param>
/// <param name="Runs">The cluster's runs; empty where the silo belongs to one run's process.</param>
public sealed record ClusterView(ClusterStatus Status, long TaskCount, DateTimeOffset Clock, ImmutableArray<RunLine> Runs);
