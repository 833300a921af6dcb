namespace DiPaCo.Core.Configuration;

/// <summary>What routing methods need.</summary>
public static class RoutingMethodExtensions
{
    /// <summary>Whether documents are routed by their features; otherwise none are computed.</summary>
    public static bool UsesFeatures(this RoutingMethod method) => method != RoutingMethod.Random;

    /// <summary>Whether every path has a cluster of its own, which can be laid onto the grid; otherwise codes are experts, or nothing is.</summary>
    public static bool HasClusterOfEachPath(this RoutingMethod method) => method is RoutingMethod.KMeans or RoutingMethod.BalancedKMeans;
}
