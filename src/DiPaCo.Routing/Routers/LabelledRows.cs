using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>Documents and the path that each should go to.</summary>
/// <param name="Features">One row a document, n × d.</param>
/// <param name="Labels">The best path of each.</param>
public sealed record LabelledRows(IFeatureSource Features, ImmutableArray<PathId> Labels)
{
    /// <summary>What each weighs: finite and not negative. Default: all the same; so too where all are 0.</summary>
    public ImmutableArray<double> Weights { get; init; } = [];

    /// <summary>The hash of each document's origin, for cross-validation. Default: every document has an origin of its own.</summary>
    public ImmutableArray<ulong> Origins { get; init; } = [];

    /// <summary>The weights, one a document.</summary>
    internal double[] AllWeights() =>
        Weights.IsEmpty || Weights.Sum() == 0 ? [.. Enumerable.Repeat(1.0, Labels.Length)] : [.. Weights];

    /// <summary>The origins, one a document.</summary>
    internal ulong[] AllOrigins() => Origins.IsEmpty ? [.. Enumerable.Range(0, Labels.Length).Select(row => (ulong)row)] : [.. Origins];
}
