using System.Buffers;

namespace DiPaCo.Routing;

/// <summary>
/// One pass of Lloyd's algorithm over the rows: the nearest centroid of each, and per cluster the number and the sum of
/// its rows. Sums are kept per stripe of rows and added in the order of the stripes, in double precision.
/// </summary>
internal sealed class LloydPass
{
    private readonly IFeatureSource _features;
    private readonly int _clusters;
    private readonly int _threads;
    private readonly double[][] _stripeSums;
    private readonly long[] _stripeChanges;
    private readonly RoutingWork? _work;

    /// <summary>Prepares passes over the same rows.</summary>
    public LloydPass(IFeatureSource features, int clusters, int threads, RoutingWork? work = null)
    {
        _features = features;
        _work = work;
        _clusters = clusters;
        _threads = threads;
        Labels = new int[features.Rows];
        Array.Fill(Labels, -1);
        Counts = new int[clusters];
        Sums = new double[clusters * features.Width];
        _stripeSums = new double[RowBlocks.Stripes(8L * Sums.Length)][];
        _stripeChanges = new long[_stripeSums.Length];
    }

    /// <summary>The cluster of each row in the last pass.</summary>
    public int[] Labels { get; }

    /// <summary>Rows of each cluster.</summary>
    public int[] Counts { get; }

    /// <summary>Sum of the rows of each cluster, k × d.</summary>
    public double[] Sums { get; }

    /// <summary>Rows whose cluster differs from the pass before.</summary>
    public long Changes { get; private set; }

    /// <summary>Assigns every row to its nearest centroid, or to the one with the highest −‖x − c_j‖² + offset_j.</summary>
    public void Run(ReadOnlySpan<float> centroids, CancellationToken cancellationToken, ReadOnlySpan<float> offsets = default)
    {
        _work?.Add(_features.Rows, _features.Width, _clusters);
        AffineScorer scorer = AffineScorer.OfCentroids(centroids, _features.Width, offsets);
        Array.Clear(_stripeChanges);
        foreach (double[]? sums in _stripeSums)
        {
            sums.AsSpan().Clear();
        }

        RowBlocks.Visit(
            _features, _stripeSums.Length, _threads, (stripe, first, rows) => Assign(scorer, stripe, first, rows), cancellationToken);
        Reduce();
    }

    /// <summary>
    /// Σ ‖x − c‖² of the last pass, from the sums: Σ‖x‖² − 2 Σ_j c_j · Σ_j x + Σ_j n_j ‖c_j‖².
    /// </summary>
    /// <param name="squares">Σ‖x‖² over all rows.</param>
    /// <param name="centroids">The centroids of the pass.</param>
    public double Inertia(double squares, ReadOnlySpan<float> centroids)
    {
        int width = _features.Width;
        double inertia = squares;
        for (int cluster = 0; cluster < _clusters; cluster++)
        {
            for (int at = cluster * width; at < (cluster + 1) * width; at++)
            {
                inertia += centroids[at] * ((Counts[cluster] * (double)centroids[at]) - (2 * Sums[at]));
            }
        }

        return Math.Max(0, inertia);
    }

    /// <summary>Moves every centroid to the mean of its rows; one without rows stays: on the row that it was re-seeded with, or where it was.</summary>
    public void MoveToMeans(float[] centroids)
    {
        int width = _features.Width;
        for (int cluster = 0; cluster < _clusters; cluster++)
        {
            for (int at = cluster * width; Counts[cluster] > 0 && at < (cluster + 1) * width; at++)
            {
                centroids[at] = (float)(Sums[at] / Counts[cluster]);
            }
        }
    }

    private void Assign(AffineScorer scorer, int stripe, int first, ReadOnlySpan<float> rows)
    {
        int width = _features.Width;
        double[] sums = _stripeSums[stripe] ??= new double[Sums.Length];
        float[] scratch = ArrayPool<float>.Shared.Rent(RowBlocks.Rows * scorer.Stride);
        Span<float> scores = stackalloc float[RowBlocks.Rows];
        Span<int> labels = stackalloc int[RowBlocks.Rows];
        scorer.Best(rows, scratch, labels, scores);
        ArrayPool<float>.Shared.Return(scratch);
        for (int row = 0; row * width < rows.Length; row++)
        {
            int label = labels[row];
            _stripeChanges[stripe] += Labels[first + row] == label ? 0 : 1;
            Labels[first + row] = label;
            RowMath.AddTo(sums.AsSpan(label * width, width), rows.Slice(row * width, width));
        }
    }

    private void Reduce()
    {
        Array.Clear(Sums);
        foreach (double[]? sums in _stripeSums)
        {
            for (int at = 0; sums is not null && at < sums.Length; at++)
            {
                Sums[at] += sums[at];
            }
        }

        Array.Clear(Counts);
        foreach (int label in Labels)
        {
            Counts[label]++;
        }

        Changes = _stripeChanges.Sum();
    }
}
