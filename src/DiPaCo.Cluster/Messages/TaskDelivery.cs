using System.Collections.Immutable;

namespace DiPaCo.Cluster;

/// <summary>A finished task, whose outputs are in the blob store.</summary>
/// <param name="Outputs">Its blobs by name, as 64 hexadecimal digits.</param>
/// <param name="Metrics">Small results as JSON.</param>
/// <param name="Elapsed">Time it took to compute; reaches no result.</param>
/// <param name="Progress">Steps that no heartbeat has told yet.</param>
[GenerateSerializer]
public sealed record TaskDelivery(ImmutableSortedDictionary<string, string> Outputs, string Metrics, TimeSpan Elapsed, StepBatch Progress);
