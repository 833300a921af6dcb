using System.Buffers;
using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// The discriminative router: a linear classifier of features (paper §7.2.1). The score of a path is the logarithm of its probability,
/// log softmax(W z + b), where z is the feature after the router's own preprocessing.
/// </summary>
public sealed class LogisticRouter : IRouter
{
    /// <summary>The kind of stored logistic routers.</summary>
    public const string KindName = "logistic";

    private readonly AffineScorer _scorer;

    /// <summary>Creates the router.</summary>
    /// <param name="paths">The paths, in order of their ids.</param>
    /// <param name="weights">W: one row per path.</param>
    /// <param name="biases">b: one number per path.</param>
    /// <param name="transform">The preprocessing.</param>
    /// <param name="prefixTokens">Tokens that the features are computed from.</param>
    /// <exception cref="ArgumentException">The numbers of paths, weights and biases or the widths differ, or a number is not finite.</exception>
    public LogisticRouter(
        ImmutableArray<PathId> paths, FeatureMatrix weights, ImmutableArray<float> biases, FeatureTransform transform, int prefixTokens)
    {
        RouterPaths.ThrowIfInvalid(paths);
        ArgumentOutOfRangeException.ThrowIfNotEqual(weights.Rows, paths.Length, nameof(weights));
        ArgumentOutOfRangeException.ThrowIfNotEqual(biases.Length, paths.Length, nameof(biases));
        ArgumentOutOfRangeException.ThrowIfNotEqual(weights.Width, transform.Width, nameof(transform));
        ArgumentOutOfRangeException.ThrowIfLessThan(prefixTokens, 1);
        float[] values = weights.ToArray();
        if (!RowMath.AllFinite(values) || !RowMath.AllFinite(biases.AsSpan()))
        {
            throw new ArgumentException("Every weight and bias must be finite.", nameof(weights));
        }

        Paths = paths;
        Weights = weights;
        Biases = biases;
        Transform = transform;
        PrefixTokens = prefixTokens;
        _scorer = new AffineScorer(values, biases.AsSpan(), weights.Width);
    }

    /// <inheritdoc/>
    public string Kind => KindName;

    /// <inheritdoc/>
    public ImmutableArray<PathId> Paths { get; }

    /// <inheritdoc/>
    public int PrefixTokens { get; }

    /// <inheritdoc/>
    public int FeatureWidth => Transform.Width;

    /// <summary>W, row p for <c>Paths[p]</c>.</summary>
    public FeatureMatrix Weights { get; }

    /// <summary>b.</summary>
    public ImmutableArray<float> Biases { get; }

    /// <summary>The preprocessing.</summary>
    public FeatureTransform Transform { get; }

    /// <inheritdoc/>
    public void Score(RouterInput input, int first, int count, Span<float> scores)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(input.Features.Width, FeatureWidth, nameof(input));
        float[] rented = ArrayPool<float>.Shared.Rent(count * (FeatureWidth + _scorer.Stride));
        Span<float> z = rented.AsSpan(0, count * FeatureWidth);
        Span<float> logits = rented.AsSpan(z.Length, count * _scorer.Stride);
        Transform.Apply(input.Features.Read(first, count, z), z);
        _scorer.Score(z, logits);
        for (int document = 0; document < count; document++)
        {
            ReadOnlySpan<float> own = logits.Slice(document * _scorer.Stride, Paths.Length);
            double logSum = Softmax.LogSum(own);
            for (int path = 0; path < own.Length; path++)
            {
                scores[(document * own.Length) + path] = (float)(own[path] - logSum);
            }
        }

        ArrayPool<float>.Shared.Return(rented);
    }
}
