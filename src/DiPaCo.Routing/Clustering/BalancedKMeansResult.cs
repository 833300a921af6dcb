using System.Collections.Immutable;

namespace DiPaCo.Routing;

/// <summary>Clusters of nearly equal size. Counts and labels belong to exactly these centroids and offsets.</summary>
/// <param name="Centroids">k × d.</param>
/// <param name="Offsets">What is added to the score −‖x − c_j‖² of each cluster.</param>
/// <param name="Counts">Rows of each cluster.</param>
/// <param name="Labels">The cluster of each row.</param>
public sealed record BalancedKMeansResult(
    FeatureMatrix Centroids, ImmutableArray<float> Offsets, ImmutableArray<int> Counts, ImmutableArray<int> Labels);
