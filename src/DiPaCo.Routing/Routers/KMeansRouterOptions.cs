using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Routing;

/// <summary>How a router is made by k-means, product, residual or balanced k-means.</summary>
public sealed record KMeansRouterOptions
{
    /// <summary>The paths in order of their ids.</summary>
    public required ImmutableArray<PathId> Paths { get; init; }

    /// <summary>The numbering of the paths: for <see cref="ClusterOrder.Grouped"/>, and for routers whose codes are experts.</summary>
    public required PathGrid Grid { get; init; }

    /// <summary>Tokens that the features were computed from.</summary>
    public required int PrefixTokens { get; init; }

    /// <summary>How clusters are searched for; its number of clusters is replaced by that of the paths, or of a level's experts.</summary>
    public required KMeansOptions Clustering { get; init; }

    /// <summary>What is done to features before distances are taken.</summary>
    public FeatureScaling Scaling { get; init; } = FeatureScaling.Standardized;

    /// <summary>Which cluster becomes which path, where a path has a cluster of its own.</summary>
    public ClusterOrder Order { get; init; } = ClusterOrder.None;

    /// <summary>The search for the clusters of one group of codes, with chance of its own.</summary>
    internal KMeansOptions ClusteringOf(int group, int clusters) => Clustering with
    {
        Clusters = clusters,
        Seed = (long)new RandomStream(Clustering.Seed, "k-means-group", group).NextUInt64(),
    };

    /// <summary>The cluster of each path.</summary>
    internal ImmutableArray<int> ClusterOfPaths(FeatureMatrix centroids) => Order == ClusterOrder.Grouped
        ? [.. GridPlacement.Place(centroids, Grid, Paths, Clustering.Seed)]
        : [.. Enumerable.Range(0, Paths.Length)];
}
