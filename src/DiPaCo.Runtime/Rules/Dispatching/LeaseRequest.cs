using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>A worker asks for a task.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Incarnation">Which start of it.</param>
/// <param name="Number">
/// Number of the request, from 1 in each incarnation. The same one is sent until it brings a lease, and brings the same lease
/// when it is sent again; then the next one is used.
/// </param>
/// <param name="Cached">Blobs that it has; null: as before.</param>
/// <param name="Asked">When the worker asked, where the question has waited for an answer since; null: now.</param>
public sealed record LeaseRequest(WorkerId Worker, long Incarnation, long Number, ImmutableArray<BlobHash>? Cached = null, DateTimeOffset? Asked = null)
{
    /// <summary>Tasks of which it has kept a state: it was at them when it ended.</summary>
    public ImmutableArray<TaskKey> Kept { get; init; } = [];
}
