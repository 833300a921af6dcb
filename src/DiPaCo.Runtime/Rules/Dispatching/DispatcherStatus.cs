using System.Collections.Immutable;

namespace DiPaCo.Runtime.Rules;

/// <summary>What everybody does, for people.</summary>
/// <param name="Workers">All workers, by name.</param>
/// <param name="Tasks">All tasks: leased, then waiting in order of the queue, then settled.</param>
public sealed record DispatcherStatus(ImmutableArray<WorkerLine> Workers, ImmutableArray<TaskLine> Tasks);
