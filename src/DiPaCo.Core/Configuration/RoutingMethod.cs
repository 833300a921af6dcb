using System.Text.Json.Serialization;

namespace DiPaCo.Core.Configuration;

/// <summary>How documents become shards.</summary>
public enum RoutingMethod
{
    /// <summary>k-means on the features of the base model (paper §2.4.1).</summary>
    [JsonStringEnumMemberName("kmeans")]
    KMeans,

    /// <summary>A hash of the document's origin: the lower bound, and DiLoCo's shards.</summary>
    Random,
}
