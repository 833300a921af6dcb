using System.Collections.Immutable;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a discriminative round found.</summary>
/// <param name="Documents">Scored documents.</param>
/// <param name="Labels">Documents for which each path was best, in order of path ids.</param>
/// <param name="Agreement">Share of these documents that the router sends to their best path.</param>
/// <param name="Loss">Mean loss of the classifier on them, in nats.</param>
public sealed record DiscriminativeMetrics(int Documents, ImmutableArray<int> Labels, double Agreement, double Loss);
