using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>Features → k-means router: preprocessing, clusters, and the path of each cluster.</summary>
/// <param name="Router">The router.</param>
/// <param name="Clusters">The clusters in the order in which they were found, before they were given to paths.</param>
public sealed record KMeansRouterFit(KMeansRouter Router, KMeansResult Clusters)
{
    /// <summary>Fits a router to the features of the training documents.</summary>
    /// <exception cref="DiPaCoException">There are fewer documents than paths, or a feature is not finite.</exception>
    public static KMeansRouterFit Of(IFeatureSource features, KMeansRouterOptions options, CancellationToken cancellationToken = default)
    {
        FeatureTransform transform = FeatureTransform.Fit(features, options.Scaling, options.Clustering.Threads, cancellationToken);
        KMeansOptions clustering = options.Clustering with { Clusters = options.Paths.Length };
        KMeansResult clusters = KMeans.Fit(new TransformedFeatures(features, transform), clustering, cancellationToken);
        FeatureMatrix centroids = clusters.Centroids.Select(options.ClusterOfPaths(clusters.Centroids));
        return new KMeansRouterFit(new KMeansRouter(options.Paths, centroids, transform, options.PrefixTokens), clusters);
    }
}
