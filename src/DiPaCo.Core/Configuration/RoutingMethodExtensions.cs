namespace DiPaCo.Core.Configuration;

/// <summary>What routing methods need.</summary>
public static class RoutingMethodExtensions
{
    /// <summary>Whether documents are routed by their features; otherwise none are computed.</summary>
    public static bool UsesFeatures(this RoutingMethod method) => method != RoutingMethod.Random;
}
