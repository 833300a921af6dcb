using System.Buffers;
using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// The generative router: the path of the nearest centroid (paper §2.4.1). The score of a path is −‖z − c‖², where z is
/// the feature after the router's own preprocessing.
/// </summary>
public sealed class KMeansRouter : IRouter
{
    /// <summary>The kind of stored k-means routers.</summary>
    public const string KindName = "k-means";

    private readonly AffineScorer _scorer;

    /// <summary>Creates the router.</summary>
    /// <param name="paths">The paths, in order of their ids.</param>
    /// <param name="centroids">One row per path, in preprocessed features.</param>
    /// <param name="transform">The preprocessing.</param>
    /// <param name="prefixTokens">Tokens that the features are computed from.</param>
    /// <exception cref="ArgumentException">The numbers of paths and centroids or the widths differ, or a centroid is not finite.</exception>
    public KMeansRouter(ImmutableArray<PathId> paths, FeatureMatrix centroids, FeatureTransform transform, int prefixTokens)
    {
        RouterPaths.ThrowIfInvalid(paths);
        ArgumentOutOfRangeException.ThrowIfNotEqual(centroids.Rows, paths.Length, nameof(centroids));
        ArgumentOutOfRangeException.ThrowIfNotEqual(centroids.Width, transform.Width, nameof(transform));
        ArgumentOutOfRangeException.ThrowIfLessThan(prefixTokens, 1);
        Paths = paths;
        Centroids = centroids;
        Transform = transform;
        PrefixTokens = prefixTokens;
        float[] rows = new float[checked(centroids.Rows * centroids.Width)];
        ReadOnlySpan<float> weights = centroids.Read(0, centroids.Rows, rows);
        if (!RowMath.AllFinite(weights))
        {
            throw new ArgumentException("Every centroid must be finite.", nameof(centroids));
        }

        _scorer = AffineScorer.OfCentroids(weights, centroids.Width);
    }

    /// <inheritdoc/>
    public string Kind => KindName;

    /// <inheritdoc/>
    public ImmutableArray<PathId> Paths { get; }

    /// <inheritdoc/>
    public int PrefixTokens { get; }

    /// <inheritdoc/>
    public int FeatureWidth => Transform.Width;

    /// <summary>The centroids, row p for <c>Paths[p]</c>.</summary>
    public FeatureMatrix Centroids { get; }

    /// <summary>The preprocessing.</summary>
    public FeatureTransform Transform { get; }

    /// <inheritdoc/>
    public void Score(RouterInput input, int first, int count, Span<float> scores)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(input.Features.Width, FeatureWidth, nameof(input));
        float[] rented = ArrayPool<float>.Shared.Rent(count * (FeatureWidth + _scorer.Stride));
        Span<float> z = rented.AsSpan(0, count * FeatureWidth);
        Span<float> products = rented.AsSpan(z.Length, count * _scorer.Stride);
        Transform.Apply(input.Features.Read(first, count, z), z);
        _scorer.Score(z, products);
        for (int document = 0; document < count; document++)
        {
            float square = (float)RowMath.SquaredNorm(z.Slice(document * FeatureWidth, FeatureWidth));
            for (int path = 0; path < Paths.Length; path++)
            {
                scores[(document * Paths.Length) + path] = (2 * products[(document * _scorer.Stride) + path]) - square;
            }
        }

        ArrayPool<float>.Shared.Return(rented);
    }
}
