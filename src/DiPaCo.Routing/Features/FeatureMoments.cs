using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>Mean and variance of every dimension, in double precision, independent of the number of threads.</summary>
internal sealed class FeatureMoments
{
    // Squares of larger numbers, summed over a row, would leave the range of a 32-bit number.
    private const float Largest = 1e15f;

    private readonly double[] _sums;
    private readonly double[] _squares;
    private readonly float[] _origin;
    private readonly int _rows;

    private FeatureMoments(int rows, float[] origin, double[] sums, double[] squares)
    {
        _rows = rows;
        _origin = origin;
        _sums = sums;
        _squares = squares;
    }

    public double Mean(int dimension) => _origin[dimension] + (_sums[dimension] / _rows);

    public double Variance(int dimension)
    {
        double mean = _sums[dimension] / _rows;
        return Math.Max(0, (_squares[dimension] / _rows) - (mean * mean));
    }

    /// <summary>One pass over the features; refuses those that are not finite or too large to be squared.</summary>
    public static FeatureMoments Of(IFeatureSource features, int threads, CancellationToken cancellationToken)
    {
        if (features.Rows == 0)
        {
            throw new DiPaCoException("There are no features to fit a router to: the corpus has no document for it. Give it more text.");
        }

        int width = features.Width;
        // Moments about the first row: where all values share a large offset, squares about zero would lose the variance.
        float[] origin = features.Read(0, 1, new float[width]).ToArray();
        int stripes = RowBlocks.Stripes(16L * width);
        double[][] sums = new double[stripes][];
        double[][] squares = new double[stripes][];
        RowBlocks.Visit(
            features,
            stripes,
            threads,
            (stripe, first, rows) =>
            {
                ThrowIfUnusable(rows, width, first);
                double[] sum = sums[stripe] ??= new double[width];
                double[] square = squares[stripe] ??= new double[width];
                for (int at = 0; at < rows.Length; at += width)
                {
                    Add(rows.Slice(at, width), origin, sum, square);
                }
            },
            cancellationToken);
        return new FeatureMoments(features.Rows, origin, InOrder(sums, width), InOrder(squares, width));
    }

    /// <summary>Refuses rows with a number that is not finite or too large to be squared.</summary>
    public static void ThrowIfUnusable(ReadOnlySpan<float> rows, int width, int first)
    {
        for (int at = 0; at < rows.Length; at++)
        {
            // Negated, so that NaN is caught.
            if (!(MathF.Abs(rows[at]) <= Largest))
            {
                throw new DiPaCoException(
                    $"Feature {at % width} of row {first + (at / width)} is {rows[at]}; a finite number of at most {Largest:E0} was expected. " +
                    "The model that computed the features has diverged: lower its learning rate and train it again.");
            }
        }
    }

    private static void Add(ReadOnlySpan<float> row, float[] origin, double[] sum, double[] square)
    {
        for (int dimension = 0; dimension < row.Length; dimension++)
        {
            double value = (double)row[dimension] - origin[dimension];
            sum[dimension] += value;
            square[dimension] += value * value;
        }
    }

    private static double[] InOrder(double[]?[] parts, int width)
    {
        double[] total = new double[width];
        foreach (double[]? part in parts)
        {
            for (int dimension = 0; part is not null && dimension < width; dimension++)
            {
                total[dimension] += part[dimension];
            }
        }

        return total;
    }
}
