namespace DiPaCo.Core.Configuration;

/// <summary>Which cluster becomes which path of a grid.</summary>
public enum ClusterOrder
{
    /// <summary>In the order in which k-means found them, as in the paper: paths that share a module have nothing else in common.</summary>
    None,

    /// <summary>
    /// Paths that share an expert get clusters that are near each other, on every level at once, so that an expert sees
    /// related text from all of its paths.
    /// </summary>
    Grouped,
}
