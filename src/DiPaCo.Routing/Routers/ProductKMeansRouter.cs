using System.Buffers;
using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// Product k-means (paper §7.3): the feature is cut into as many groups of neighbouring dimensions as a path has codes
/// (<see cref="PathCodes"/>), and each group has centroids of its own; the tuple of the nearest ones is the tuple of experts. The score
/// of a path is Σ_g −‖z_g − c_g(code)‖², so a thousand paths cost no more than the sum of their levels' centroids, and where not every
/// product exists, the best path that does is chosen.
/// </summary>
public sealed class ProductKMeansRouter : IRouter
{
    /// <summary>The kind of stored product k-means routers.</summary>
    public const string KindName = "product-k-means";

    private readonly Codebook[] _books;

    /// <summary>Creates the router.</summary>
    /// <param name="paths">The paths, in order of their ids.</param>
    /// <param name="codes">Their codes.</param>
    /// <param name="centroids">One codebook for each group: K_g × the group's width (<see cref="GroupWidth"/>), in preprocessed features.</param>
    /// <param name="transform">The preprocessing.</param>
    /// <param name="prefixTokens">Tokens that the features are computed from.</param>
    /// <exception cref="ArgumentException">Numbers of codes or widths differ, or a centroid is not finite.</exception>
    public ProductKMeansRouter(
        ImmutableArray<PathId> paths, PathCodes codes, ImmutableArray<FeatureMatrix> centroids, FeatureTransform transform, int prefixTokens)
    {
        RouterPaths.ThrowIfInvalid(paths);
        ArgumentOutOfRangeException.ThrowIfNotEqual(centroids.Length, codes.Sizes.Length, nameof(centroids));
        ArgumentOutOfRangeException.ThrowIfLessThan(prefixTokens, 1);
        for (int group = 0; group < centroids.Length; group++)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(centroids[group].Rows, codes.Sizes[group], nameof(centroids));
            ArgumentOutOfRangeException.ThrowIfNotEqual(centroids[group].Width, GroupWidth(transform.Width, centroids.Length, group), nameof(centroids));
        }

        Paths = paths;
        Codes = codes;
        Centroids = centroids;
        Transform = transform;
        PrefixTokens = prefixTokens;
        _books = [.. centroids.Select(book => new Codebook(book))];
    }

    /// <inheritdoc/>
    public string Kind => KindName;

    /// <inheritdoc/>
    public ImmutableArray<PathId> Paths { get; }

    /// <inheritdoc/>
    public int PrefixTokens { get; }

    /// <inheritdoc/>
    public int FeatureWidth => Transform.Width;

    /// <summary>The codes of the paths.</summary>
    public PathCodes Codes { get; }

    /// <summary>The codebook of each group.</summary>
    public ImmutableArray<FeatureMatrix> Centroids { get; }

    /// <summary>The preprocessing.</summary>
    public FeatureTransform Transform { get; }

    /// <summary>First dimension of a group; that of the group behind the last is d.</summary>
    /// <param name="width">Dimensions d of a feature.</param>
    /// <param name="groups">Number of groups.</param>
    /// <param name="group">The group, counted from 0.</param>
    public static int GroupStart(int width, int groups, int group) => (int)((long)width * group / groups);

    /// <summary>Dimensions of a group: d / groups, some groups one more where that leaves a rest.</summary>
    /// <inheritdoc cref="GroupStart"/>
    public static int GroupWidth(int width, int groups, int group) => GroupStart(width, groups, group + 1) - GroupStart(width, groups, group);

    /// <inheritdoc/>
    public void Score(RouterInput input, int first, int count, Span<float> scores)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(input.Features.Width, FeatureWidth, nameof(input));
        int widest = _books.Max(book => book.Centroids.Width);
        int stride = _books.Max(book => book.Scorer.Stride);
        float[] rented = ArrayPool<float>.Shared.Rent(count * (FeatureWidth + widest + stride));
        Span<float> z = rented.AsSpan(0, count * FeatureWidth);
        Span<float> columns = rented.AsSpan(z.Length, count * widest);
        Span<float> products = rented.AsSpan(z.Length + columns.Length, count * stride);
        Transform.Apply(input.Features.Read(first, count, z), z);
        for (int document = 0; document < count; document++)
        {
            float square = (float)RowMath.SquaredNorm(z.Slice(document * FeatureWidth, FeatureWidth));
            scores.Slice(document * Paths.Length, Paths.Length).Fill(-square);
        }

        for (int group = 0; group < _books.Length; group++)
        {
            int width = _books[group].Centroids.Width;
            FeatureColumns.Copy(z, FeatureWidth, GroupStart(FeatureWidth, _books.Length, group), width, columns);
            _books[group].Scorer.Score(columns[..(count * width)], products);
            Add(group, count, products, scores);
        }

        ArrayPool<float>.Shared.Return(rented);
    }

    private void Add(int group, int count, ReadOnlySpan<float> products, Span<float> scores)
    {
        int stride = _books[group].Scorer.Stride;
        for (int document = 0; document < count; document++)
        {
            for (int path = 0; path < Paths.Length; path++)
            {
                scores[(document * Paths.Length) + path] += 2 * products[(document * stride) + Codes.Of(path)[group]];
            }
        }
    }
}
