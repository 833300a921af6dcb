using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// Balanced k-means: the score of a path is −‖z − c‖² + offset, where the offsets give every path about the same number of documents
/// (<see cref="BalancedKMeans"/>), of the training text as of text that it has not seen.
/// </summary>
public sealed class BalancedKMeansRouter : IRouter
{
    /// <summary>The kind of stored balanced k-means routers.</summary>
    public const string KindName = "balanced-k-means";

    /// <summary>Creates the router.</summary>
    /// <param name="distances">The scores −‖z − c‖².</param>
    /// <param name="offsets">What is added to them, one finite number per path.</param>
    /// <exception cref="ArgumentException">The numbers of paths and offsets differ, or an offset is not finite.</exception>
    public BalancedKMeansRouter(KMeansRouter distances, ImmutableArray<float> offsets)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(offsets.Length, distances.Paths.Length, nameof(offsets));
        if (!RowMath.AllFinite(offsets.AsSpan()))
        {
            throw new ArgumentException("Every offset must be finite.", nameof(offsets));
        }

        Distances = distances;
        Offsets = offsets;
    }

    /// <inheritdoc/>
    public string Kind => KindName;

    /// <inheritdoc/>
    public ImmutableArray<PathId> Paths => Distances.Paths;

    /// <inheritdoc/>
    public int PrefixTokens => Distances.PrefixTokens;

    /// <inheritdoc/>
    public int FeatureWidth => Distances.FeatureWidth;

    /// <summary>The scores before the offsets.</summary>
    public KMeansRouter Distances { get; }

    /// <summary>The offset of each path.</summary>
    public ImmutableArray<float> Offsets { get; }

    /// <inheritdoc/>
    public void Score(RouterInput input, int first, int count, Span<float> scores)
    {
        Distances.Score(input, first, count, scores);
        for (int document = 0; document < count; document++)
        {
            for (int path = 0; path < Offsets.Length; path++)
            {
                scores[(document * Offsets.Length) + path] += Offsets[path];
            }
        }
    }
}
