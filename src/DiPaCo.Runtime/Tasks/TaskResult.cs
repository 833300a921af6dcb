using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a task produced.</summary>
/// <param name="Outputs">Its blobs by name.</param>
/// <param name="Metrics">Small results as JSON, for example sums of losses; pure like the blobs.</param>
public sealed record TaskResult(ImmutableSortedDictionary<string, BlobHash> Outputs, string Metrics)
{
    /// <summary>The blob of that name.</summary>
    public BlobHash this[string name] => Outputs[name];
}
