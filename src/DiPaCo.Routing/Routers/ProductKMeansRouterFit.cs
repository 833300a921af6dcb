using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>Features → product k-means router: preprocessing, and k-means in each group of dimensions.</summary>
public static class ProductKMeansRouterFit
{
    /// <summary>Fits a router to the features of the training documents.</summary>
    /// <param name="features">One row a document.</param>
    /// <param name="options">Their order of clusters means nothing here: a code is an expert.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="DiPaCoException">There are fewer documents than paths or fewer dimensions than groups, or a feature is not finite.</exception>
    public static ProductKMeansRouter Of(IFeatureSource features, KMeansRouterOptions options, CancellationToken cancellationToken = default)
    {
        TooFewDocuments.Refuse(features.Rows, options.Paths.Length);
        PathCodes codes = new(options.Grid, options.Paths);
        int groups = codes.Sizes.Length;
        if (features.Width < groups)
        {
            throw new DiPaCoException(
                $"A feature of {features.Width} dimensions cannot be cut into {groups} groups, one for each level with experts (and one for "
                + "replicas). Give the model a larger transformer.width, or use routing.method kmeans or residual_kmeans.");
        }

        FeatureTransform transform = FeatureTransform.Fit(features, options.Scaling, options.Clustering.Threads, cancellationToken);
        TransformedFeatures z = new(features, transform);
        ImmutableArray<FeatureMatrix>.Builder books = ImmutableArray.CreateBuilder<FeatureMatrix>(groups);
        for (int group = 0; group < groups; group++)
        {
            FeatureColumns columns = new(
                z, ProductKMeansRouter.GroupStart(features.Width, groups, group), ProductKMeansRouter.GroupWidth(features.Width, groups, group));
            books.Add(KMeans.Fit(columns, options.ClusteringOf(group, codes.Sizes[group]), cancellationToken).Centroids);
        }

        return new ProductKMeansRouter(options.Paths, codes, books.MoveToImmutable(), transform, options.PrefixTokens);
    }
}
