using System.Text.Json.Serialization;

namespace DiPaCo.Core.Configuration;

/// <summary>How documents become shards.</summary>
public enum RoutingMethod
{
    /// <summary>k-means on the features of the base model (paper §2.4.1): one cluster for each path.</summary>
    [JsonStringEnumMemberName("kmeans")]
    KMeans,

    /// <summary>
    /// The feature is cut into as many groups as there are levels with experts, with k-means in each: the tuple of codes is the tuple
    /// of experts (paper §7.3). For hundreds of paths and more.
    /// </summary>
    [JsonStringEnumMemberName("product_kmeans")]
    ProductKMeans,

    /// <summary>As many levels of k-means, each on what the centroids of the levels before it leave of the whole feature.</summary>
    [JsonStringEnumMemberName("residual_kmeans")]
    ResidualKMeans,

    /// <summary>
    /// k-means with an offset for each path under which all get about the same number of documents; the training documents are then
    /// divided evenly, unless <see cref="RoutingOptions.CapacityFactor"/> says how unevenly they may.
    /// </summary>
    [JsonStringEnumMemberName("balanced_kmeans")]
    BalancedKMeans,

    /// <summary>A hash of the document's origin: the lower bound, and DiLoCo's shards.</summary>
    Random,
}
