using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>How a k-means router is made.</summary>
public sealed record KMeansRouterOptions
{
    /// <summary>The paths, one cluster each, in order of their ids.</summary>
    public required ImmutableArray<PathId> Paths { get; init; }

    /// <summary>The numbering of the paths, for <see cref="ClusterOrder.Grouped"/>.</summary>
    public required PathGrid Grid { get; init; }

    /// <summary>Tokens that the features were computed from.</summary>
    public required int PrefixTokens { get; init; }

    /// <summary>How clusters are searched for; its number of clusters is replaced by the number of paths.</summary>
    public required KMeansOptions Clustering { get; init; }

    /// <summary>What is done to features before distances are taken.</summary>
    public FeatureScaling Scaling { get; init; } = FeatureScaling.Standardize;

    /// <summary>Which cluster becomes which path.</summary>
    public ClusterOrder Order { get; init; } = ClusterOrder.None;
}
