using System.Collections.Immutable;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a discriminative round found.</summary>
/// <param name="Documents">Scored documents.</param>
/// <param name="Labels">Documents for which each path was best, in order of path ids.</param>
/// <param name="Agreement">Share of these documents that the router sends to their best path.</param>
/// <param name="Loss">Mean loss of the classifier on them, in nats.</param>
public sealed record DiscriminativeMetrics(int Documents, ImmutableArray<int> Labels, double Agreement, double Loss)
{
    /// <summary>Penalty λ on the classifier's weights, stated or chosen.</summary>
    public double WeightPenalty { get; init; }

    /// <summary>Mean loss of documents under classifiers that had not seen their origins, in nats; null where λ was stated or there was one origin.</summary>
    public double? HeldOutLoss { get; init; }

    /// <summary>How much of the prior's scores, made to differ by about 1, the router has; 0 without a prior.</summary>
    public double PriorFactor { get; init; }

    /// <summary>Floating-point operations of the fit, cross-validation and calibration included.</summary>
    public double Flops { get; init; }
}
