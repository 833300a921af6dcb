using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>A worker delivers a task whose outputs are in the blob store.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Incarnation">Which start of it.</param>
/// <param name="Lease">The lease.</param>
/// <param name="Key">The task.</param>
/// <param name="Outputs">Its blobs by name.</param>
/// <param name="Metrics">Small results as JSON; pure like the blobs.</param>
/// <param name="Fingerprint">The worker's numerics fingerprint.</param>
/// <param name="Elapsed">Time spent computing it under this lease; reaches no result.</param>
public sealed record Completion(
    WorkerId Worker, long Incarnation, LeaseNumber Lease, TaskKey Key, ImmutableSortedDictionary<string, BlobHash> Outputs,
    string Metrics, string Fingerprint, TimeSpan Elapsed);
