using System.Collections.Immutable;

namespace DiPaCo.Routing;

/// <summary>
/// The scores of a router as w_p · z + b_p, up to what all paths of a document have in common: what a logistic regression takes over from a
/// router before it. Of k-means and its kin it is −‖z − c_p‖² + ‖z‖², so w = 2c and b = −‖c‖².
/// </summary>
internal sealed class LinearScores
{
    private LinearScores(float[] weights, float[] biases, FeatureTransform transform)
    {
        Weights = weights;
        Biases = biases;
        Transform = transform;
    }

    /// <summary>w, one row a path, row after row: P × d.</summary>
    public float[] Weights { get; }

    /// <summary>b, one number a path.</summary>
    public float[] Biases { get; }

    /// <summary>What makes z of a feature.</summary>
    public FeatureTransform Transform { get; }

    /// <summary>
    /// The scores of a router of features. Those of residual k-means are the distances to the sums of its centroids, without the order in
    /// which it looks at the levels: that is not linear.
    /// </summary>
    /// <exception cref="ArgumentException">The router's scores are not of features.</exception>
    public static LinearScores Of(IRouter router) => router switch
    {
        LogisticRouter logistic => new LinearScores(logistic.Weights.ToArray(), [.. logistic.Biases], logistic.Transform),
        KMeansRouter nearest => OfCentroids(nearest.Centroids.ToArray(), [], nearest.Transform),
        BalancedKMeansRouter balanced => OfCentroids(balanced.Distances.Centroids.ToArray(), balanced.Offsets, balanced.Distances.Transform),
        ProductKMeansRouter product => OfCentroids(
            Sums(product.Paths.Length, product.Codes, product.Centroids, product.FeatureWidth, group => ProductKMeansRouter.GroupStart(product.FeatureWidth, product.Centroids.Length, group)),
            [], product.Transform),
        ResidualKMeansRouter residual => OfCentroids(
            Sums(residual.Paths.Length, residual.Codes, residual.Centroids, residual.FeatureWidth, _ => 0), [], residual.Transform),
        _ => throw new ArgumentException($"The scores of a router of the kind '{router.Kind}' are no function of features; one that is was expected.", nameof(router)),
    };

    /// <summary>Some of the paths, in the order given.</summary>
    public LinearScores Only(ReadOnlySpan<int> columns)
    {
        int width = Transform.Width;
        float[] weights = new float[columns.Length * width];
        float[] biases = new float[columns.Length];
        for (int k = 0; k < columns.Length; k++)
        {
            Weights.AsSpan(columns[k] * width, width).CopyTo(weights.AsSpan(k * width));
            biases[k] = Biases[columns[k]];
        }

        return new LinearScores(weights, biases, Transform);
    }

    /// <summary>These scores divided by the root of their mean variance over the paths of a document, so that they differ by about 1.</summary>
    /// <param name="z">Transformed features.</param>
    public LinearScores Standardized(IFeatureSource z)
    {
        AffineScorer scorer = new(Weights, Biases, Transform.Width);
        double squares = 0;
        RowBlocks.Visit(z, stripes: 1, threads: 1, (_, _, rows) => squares += SquaresOf(scorer, rows), CancellationToken.None);
        double spread = Math.Sqrt(squares / ((double)z.Rows * scorer.Outputs));
        float scale = spread > 0 && 1 / spread <= float.MaxValue ? (float)(1 / spread) : 1;
        return new LinearScores([.. Weights.Select(weight => weight * scale)], [.. Biases.Select(bias => bias * scale)], Transform);
    }

    private double SquaresOf(AffineScorer scorer, ReadOnlySpan<float> rows)
    {
        int count = rows.Length / Transform.Width;
        float[] scores = new float[count * scorer.Stride];
        scorer.Score(rows, scores);
        double squares = 0;
        for (int row = 0; row < count; row++)
        {
            ReadOnlySpan<float> own = scores.AsSpan(row * scorer.Stride, scorer.Outputs);
            double mean = 0;
            foreach (float score in own)
            {
                mean += score / (double)own.Length;
            }

            foreach (float score in own)
            {
                squares += (score - mean) * (score - mean);
            }
        }

        return squares;
    }

    private static LinearScores OfCentroids(float[] centroids, ImmutableArray<float> offsets, FeatureTransform transform)
    {
        int width = transform.Width;
        float[] biases = new float[centroids.Length / width];
        for (int p = 0; p < biases.Length; p++)
        {
            double offset = offsets.IsDefaultOrEmpty ? 0 : offsets[p];
            biases[p] = (float)(offset - RowMath.SquaredNorm(centroids.AsSpan(p * width, width)));
        }

        return new LinearScores([.. centroids.Select(value => 2 * value)], biases, transform);
    }

    /// <summary>What the centroids of a path's codes add up to, each from its first dimension on.</summary>
    private static float[] Sums(int paths, PathCodes codes, ImmutableArray<FeatureMatrix> centroids, int width, Func<int, int> startOf)
    {
        float[] sums = new float[checked(paths * width)];
        for (int path = 0; path < paths; path++)
        {
            for (int group = 0; group < centroids.Length; group++)
            {
                ReadOnlySpan<float> centroid = centroids[group].Row(codes.Of(path)[group]);
                Span<float> to = sums.AsSpan((path * width) + startOf(group), centroid.Length);
                for (int t = 0; t < to.Length; t++)
                {
                    to[t] += centroid[t];
                }
            }
        }

        return sums;
    }
}
