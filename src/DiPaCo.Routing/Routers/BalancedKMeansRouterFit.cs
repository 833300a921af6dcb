using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>Features → balanced k-means router: preprocessing, clusters of equal size, and the path of each cluster.</summary>
/// <param name="Router">The router.</param>
/// <param name="Clusters">The clusters in the order in which they were found, before they were given to paths.</param>
public sealed record BalancedKMeansRouterFit(BalancedKMeansRouter Router, BalancedKMeansResult Clusters)
{
    /// <summary>Fits a router to the features of the training documents.</summary>
    /// <exception cref="DiPaCoException">There are fewer documents than paths, or a feature is not finite.</exception>
    public static BalancedKMeansRouterFit Of(IFeatureSource features, KMeansRouterOptions options, CancellationToken cancellationToken = default)
    {
        TooFewDocuments.Refuse(features.Rows, options.Paths.Length);
        FeatureTransform transform = FeatureTransform.Fit(features, options.Scaling, options.Clustering.Threads, cancellationToken);
        KMeansOptions clustering = options.Clustering with { Clusters = options.Paths.Length };
        BalancedKMeansResult clusters = BalancedKMeans.Fit(new TransformedFeatures(features, transform), clustering, cancellationToken);
        ImmutableArray<int> clusterOf = options.ClusterOfPaths(clusters.Centroids);
        KMeansRouter distances = new(options.Paths, clusters.Centroids.Select(clusterOf), transform, options.PrefixTokens);
        return new BalancedKMeansRouterFit(new BalancedKMeansRouter(distances, [.. clusterOf.Select(cluster => clusters.Offsets[cluster])]), clusters);
    }
}
