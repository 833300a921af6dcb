using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>A worker says that it is still at a task.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Incarnation">Which start of it.</param>
/// <param name="Lease">The lease.</param>
/// <param name="Key">The task.</param>
/// <param name="DoneFraction">Part of the task that is done, 0 to 1, steps before the lease included.</param>
/// <param name="Elapsed">Time spent computing it under this lease.</param>
/// <param name="Cached">Blobs that it has; null: as before.</param>
public sealed record Heartbeat(
    WorkerId Worker, long Incarnation, LeaseNumber Lease, TaskKey Key, double DoneFraction, TimeSpan Elapsed, ImmutableArray<BlobHash>? Cached = null);
