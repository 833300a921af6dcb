using System.Collections.Immutable;

namespace DiPaCo.Routing;

/// <summary>Clusters that were found. Counts, labels and inertia belong to exactly these centroids.</summary>
/// <param name="Centroids">k × d.</param>
/// <param name="Counts">Rows of each cluster; 0 only where the rows have fewer distinct values than k.</param>
/// <param name="Labels">The cluster of each row: the nearest centroid, the lowest number among equally near ones.</param>
/// <param name="Inertia">Sum over the rows of the squared distance to the nearest centroid.</param>
/// <param name="Iterations">Times that the centroids were moved in the start that was kept.</param>
/// <param name="Restart">Number of the start that was kept.</param>
public sealed record KMeansResult(
    FeatureMatrix Centroids, ImmutableArray<int> Counts, ImmutableArray<int> Labels, double Inertia, int Iterations, int Restart);
