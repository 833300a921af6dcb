using System.Buffers;
using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// Residual k-means: the centroids of a level cluster what those of the levels before it leave, so that every level looks at the whole
/// feature and yet at something new. A document's codes are chosen greedily, level by level, as the centroids were trained: the nearest
/// code of the first level, then the nearest code to the residual, and so on, among the codes that lead to a path that exists.
/// <para>
/// The score of a path that is chosen so is −‖z − Σ_g c_g(code)‖². Another path leaves it at some level; it gets its own
/// −‖z − Σ_g c_g(code)‖², at most the chosen path's, less what its code lost against the greedy one at that level. Therefore the greedy
/// path always has the highest score, and balancing and overlap see what a move costs.
/// </para>
/// </summary>
public sealed class ResidualKMeansRouter : IRouter
{
    /// <summary>The kind of stored residual k-means routers.</summary>
    public const string KindName = "residual-k-means";

    private readonly Codebook[] _books;
    private readonly float[] _crossTerms;

    /// <summary>Creates the router.</summary>
    /// <param name="paths">The paths, in order of their ids.</param>
    /// <param name="codes">Their codes.</param>
    /// <param name="centroids">One codebook for each group of codes: K_g × d, in preprocessed features.</param>
    /// <param name="transform">The preprocessing.</param>
    /// <param name="prefixTokens">Tokens that the features are computed from.</param>
    /// <exception cref="ArgumentException">Numbers of codes or widths differ, or a centroid is not finite.</exception>
    public ResidualKMeansRouter(
        ImmutableArray<PathId> paths, PathCodes codes, ImmutableArray<FeatureMatrix> centroids, FeatureTransform transform, int prefixTokens)
    {
        RouterPaths.ThrowIfInvalid(paths);
        ArgumentOutOfRangeException.ThrowIfNotEqual(centroids.Length, codes.Sizes.Length, nameof(centroids));
        ArgumentOutOfRangeException.ThrowIfLessThan(prefixTokens, 1);
        for (int group = 0; group < centroids.Length; group++)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(centroids[group].Rows, codes.Sizes[group], nameof(centroids));
            ArgumentOutOfRangeException.ThrowIfNotEqual(centroids[group].Width, transform.Width, nameof(centroids));
        }

        Paths = paths;
        Codes = codes;
        Centroids = centroids;
        Transform = transform;
        PrefixTokens = prefixTokens;
        _books = [.. centroids.Select(book => new Codebook(book))];
        _crossTerms = [.. Enumerable.Range(0, paths.Length).Select(CrossTerms)];
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

    /// <inheritdoc/>
    public void Score(RouterInput input, int first, int count, Span<float> scores)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(input.Features.Width, FeatureWidth, nameof(input));
        int stride = _books.Max(book => book.Scorer.Stride);
        float[] rented = ArrayPool<float>.Shared.Rent(count * (FeatureWidth + stride + Paths.Length));
        Span<float> z = rented.AsSpan(0, count * FeatureWidth);
        Span<float> products = rented.AsSpan(z.Length, count * stride);
        Span<float> regrets = rented.AsSpan(z.Length + products.Length, count * Paths.Length);
        Transform.Apply(input.Features.Read(first, count, z), z);
        Reconstruct(z, count, products, scores);
        int[] chosen = Descend(z, count, products, regrets);
        for (int document = 0; document < count; document++)
        {
            Span<float> own = scores.Slice(document * Paths.Length, Paths.Length);
            float highest = own[chosen[document]];
            for (int path = 0; path < own.Length; path++)
            {
                own[path] = Math.Min(own[path], highest) - regrets[(document * own.Length) + path];
            }
        }

        ArrayPool<float>.Shared.Return(rented);
    }

    // −‖z − Σc‖² = −‖z‖² + 2 Σ_g (z · c_g − ‖c_g‖²/2) − Σ_{g≠h} c_g · c_h of every path, whatever its codes.
    private void Reconstruct(ReadOnlySpan<float> z, int count, Span<float> products, Span<float> scores)
    {
        for (int document = 0; document < count; document++)
        {
            float square = (float)RowMath.SquaredNorm(z.Slice(document * FeatureWidth, FeatureWidth));
            for (int path = 0; path < Paths.Length; path++)
            {
                scores[(document * Paths.Length) + path] = -square - _crossTerms[path];
            }
        }

        for (int group = 0; group < _books.Length; group++)
        {
            AffineScorer scorer = _books[group].Scorer;
            scorer.Score(z, products);
            for (int document = 0; document < count; document++)
            {
                for (int path = 0; path < Paths.Length; path++)
                {
                    scores[(document * Paths.Length) + path] += 2 * products[(document * scorer.Stride) + Codes.Of(path)[group]];
                }
            }
        }
    }

    // The greedy path of every document, and what each other path loses where it leaves it. Turns z into residuals.
    private int[] Descend(Span<float> z, int count, Span<float> products, Span<float> regrets)
    {
        regrets.Clear();
        ColumnRange[] ranges = new ColumnRange[count];
        Array.Fill(ranges, new ColumnRange(0, Paths.Length));
        for (int group = 0; group < _books.Length; group++)
        {
            AffineScorer scorer = _books[group].Scorer;
            scorer.Score(z, products);
            for (int document = 0; document < count; document++)
            {
                ReadOnlySpan<float> levelScores = products.Slice(document * scorer.Stride, scorer.Stride);
                ColumnRange before = ranges[document];
                ranges[document] = before.Descend(Codes, group, levelScores);
                int code = Codes.Of(ranges[document].First)[group];
                for (int path = before.First; path < before.End; path++)
                {
                    regrets[(document * Paths.Length) + path] += 2 * (levelScores[code] - levelScores[Codes.Of(path)[group]]);
                }

                RowMath.Subtract(z.Slice(document * FeatureWidth, FeatureWidth), _books[group].Values.AsSpan(code * FeatureWidth, FeatureWidth));
            }
        }

        return [.. ranges.Select(range => range.First)];
    }

    private float CrossTerms(int path)
    {
        double[] sum = new double[FeatureWidth];
        double squares = 0;
        ReadOnlySpan<int> codes = Codes.Of(path);
        for (int group = 0; group < codes.Length; group++)
        {
            ReadOnlySpan<float> centroid = _books[group].Values.AsSpan(codes[group] * FeatureWidth, FeatureWidth);
            RowMath.AddTo(sum, centroid);
            squares += RowMath.SquaredNorm(centroid);
        }

        return (float)(sum.Sum(value => value * value) - squares);
    }
}
