using System.Buffers;
using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>Features → residual k-means router: k-means of the features, then of what its centroids leave, level by level.</summary>
public static class ResidualKMeansRouterFit
{
    /// <summary>Fits a router to the features of the training documents.</summary>
    /// <param name="features">One row a document.</param>
    /// <param name="options">Their order of clusters means nothing here: a code is an expert.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="DiPaCoException">There are fewer documents than paths, or a feature is not finite.</exception>
    public static ResidualKMeansRouter Of(IFeatureSource features, KMeansRouterOptions options, CancellationToken cancellationToken = default)
    {
        TooFewDocuments.Refuse(features.Rows, options.Paths.Length);
        PathCodes codes = new(options.Grid, options.Paths);
        FeatureTransform transform = FeatureTransform.Fit(features, options.Scaling, options.Clustering.Threads, cancellationToken);
        ColumnRange[] ranges = new ColumnRange[features.Rows];
        Array.Fill(ranges, new ColumnRange(0, options.Paths.Length));
        IFeatureSource z = new TransformedFeatures(features, transform);
        ImmutableArray<FeatureMatrix>.Builder books = ImmutableArray.CreateBuilder<FeatureMatrix>(codes.Sizes.Length);
        for (int group = 0; group < codes.Sizes.Length; group++)
        {
            IFeatureSource residuals = new ResidualFeatures(z, codes, ranges, books.ToImmutable());
            KMeansOptions clustering = options.ClusteringOf(group, codes.Sizes[group]);
            FeatureMatrix centroids = KMeans.Fit(residuals, clustering, cancellationToken).Centroids;
            if (group + 1 < codes.Sizes.Length)
            {
                // Into an array of its own: the residuals of this level are read through the old ranges meanwhile.
                ranges = Descend(residuals, codes, group, centroids, ranges, clustering.Threads, cancellationToken);
            }

            books.Add(centroids);
        }

        return new ResidualKMeansRouter(options.Paths, codes, books.MoveToImmutable(), transform, options.PrefixTokens);
    }

    private static ColumnRange[] Descend(
        IFeatureSource residuals, PathCodes codes, int group, FeatureMatrix centroids, ColumnRange[] ranges, int threads, CancellationToken cancellationToken)
    {
        ColumnRange[] next = new ColumnRange[ranges.Length];
        AffineScorer scorer = new Codebook(centroids).Scorer;
        RowBlocks.Visit(
            residuals,
            RowBlocks.Stripes(),
            threads,
            (_, first, rows) =>
            {
                int count = rows.Length / residuals.Width;
                float[] scores = ArrayPool<float>.Shared.Rent(count * scorer.Stride);
                scorer.Score(rows, scores);
                for (int row = 0; row < count; row++)
                {
                    next[first + row] = ranges[first + row].Descend(codes, group, scores.AsSpan(row * scorer.Stride, scorer.Stride));
                }

                ArrayPool<float>.Shared.Return(scores);
            },
            cancellationToken);
        return next;
    }

    /// <summary>What the centroids of some groups leave of features: each row less the centroids of its codes so far.</summary>
    private sealed class ResidualFeatures(IFeatureSource source, PathCodes codes, ColumnRange[] ranges, ImmutableArray<FeatureMatrix> books) : IFeatureSource
    {
        public int Rows => source.Rows;

        public int Width => source.Width;

        public ReadOnlySpan<float> Read(int first, int count, Span<float> scratch)
        {
            Span<float> rows = scratch[..(count * Width)];
            ReadOnlySpan<float> read = source.Read(first, count, rows);
            if (read != rows)
            {
                read.CopyTo(rows);
            }

            for (int row = 0; row < count; row++)
            {
                ReadOnlySpan<int> own = codes.Of(ranges[first + row].First);
                for (int group = 0; group < books.Length; group++)
                {
                    RowMath.Subtract(rows.Slice(row * Width, Width), books[group].Row(own[group]));
                }
            }

            return rows;
        }
    }
}
