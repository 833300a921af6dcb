using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Routing;

/// <summary>
/// s_j = w_j · x + b_j of many rows x: what k-means (w = c, b = −‖c‖²/2) and a linear classifier have in common, and
/// where the time of both goes. A blocked matrix product: the outputs are packed in panels of 16 lanes, 8 rows at a time
/// stay in registers. Every score is one chain of fused multiply-adds over the dimensions in order, on every processor
/// and for any blocking, so that equal inputs give equal bits.
/// </summary>
internal sealed unsafe class AffineScorer
{
    private const int Lanes = 16;
    private const int RowsAtOnce = 8;

    private readonly int _width;
    private readonly int _panels;
    private readonly float[] _memory;
    private readonly float* _weights;
    private readonly float* _bias;

    /// <summary>Packs the weights.</summary>
    /// <param name="weights">Outputs × width, row-major.</param>
    /// <param name="bias">One number per output.</param>
    /// <param name="width">Dimensions d of a row.</param>
    public AffineScorer(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int width)
    {
        _width = width;
        Outputs = bias.Length;
        _panels = (Outputs + Lanes - 1) / Lanes;
        // Pinned and alive as long as the scorer, so that the pointers into it stay valid.
        _memory = GC.AllocateUninitializedArray<float>(checked((_panels * Lanes * (width + 1)) + Lanes), pinned: true);
        nint start = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory));
        _weights = (float*)((start + 63) & ~63);
        _bias = _weights + ((nint)_panels * Lanes * width);
        for (int output = 0; output < _panels * Lanes; output++)
        {
            // Lanes without an output never win.
            _bias[output] = output < Outputs ? bias[output] : float.NegativeInfinity;
            float* lane = _weights + ((nint)(output / Lanes) * Lanes * width) + (output % Lanes);
            for (int dimension = 0; dimension < width; dimension++)
            {
                lane[(nint)dimension * Lanes] = output < Outputs ? weights[(output * width) + dimension] : 0f;
            }
        }
    }

    /// <summary>Number of outputs.</summary>
    public int Outputs { get; }

    /// <summary>Outputs rounded up to whole panels: the distance between the scores of two rows.</summary>
    public int Stride => _panels * Lanes;

    /// <summary>The scorer of k-means: s_j = c_j · x − ‖c_j‖²/2, so that ‖x − c_j‖² = ‖x‖² − 2 s_j.</summary>
    public static AffineScorer OfCentroids(ReadOnlySpan<float> centroids, int width)
    {
        float[] bias = new float[centroids.Length / width];
        for (int centroid = 0; centroid < bias.Length; centroid++)
        {
            bias[centroid] = (float)(-0.5 * RowMath.SquaredNorm(centroids.Slice(centroid * width, width)));
        }

        return new AffineScorer(centroids, bias, width);
    }

    /// <summary>Scores of rows, <see cref="Stride"/> apart; what is beyond <see cref="Outputs"/> in a row is −∞.</summary>
    public void Score(ReadOnlySpan<float> rows, Span<float> scores)
    {
        int count = rows.Length / _width;
        ArgumentOutOfRangeException.ThrowIfLessThan(scores.Length, count * Stride, nameof(scores));
        fixed (float* x = rows)
        fixed (float* s = scores)
        {
            int panel = 0;
            for (; panel + 1 < _panels; panel += 2)
            {
                for (int row = 0; row < count; row += RowsAtOnce)
                {
                    TwoPanels(x, row, count, panel, s);
                }
            }

            for (int row = 0; panel < _panels && row < count; row += RowsAtOnce)
            {
                OnePanel(x, row, count, panel, s);
            }
        }

        GC.KeepAlive(_memory);
    }

    /// <summary>The best output of every row and its score; the lowest number among equals.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="scratch">Rows × <see cref="Stride"/> numbers.</param>
    /// <param name="best">Receives the output of each row.</param>
    /// <param name="bestScores">Receives its score.</param>
    public void Best(ReadOnlySpan<float> rows, Span<float> scratch, Span<int> best, Span<float> bestScores)
    {
        Score(rows, scratch);
        for (int row = 0; row < rows.Length / _width; row++)
        {
            (best[row], bestScores[row]) = Largest(scratch.Slice(row * Stride, Stride));
        }
    }

    private static (int Index, float Value) Largest(ReadOnlySpan<float> scores)
    {
        int index = 0;
        float value = float.NegativeInfinity;
        for (int at = 0; at < scores.Length; at += Lanes)
        {
            Vector512<float> lanes = Vector512.Create(scores[at..]);
            if (Vector512.GreaterThanAny(lanes, Vector512.Create(value)))
            {
                Vector256<float> eight = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
                Vector128<float> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
                value = MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
                ulong equal = Vector512.Equals(lanes, Vector512.Create(value)).ExtractMostSignificantBits();
                index = at + BitOperations.TrailingZeroCount(equal);
            }
        }

        return (index, value);
    }

    // Rows beyond the last are the last again: their results are not stored.
    private void TwoPanels(float* rows, int first, int count, int panel, float* scores)
    {
        nint width = _width;
        nint last = count - 1 - first;
        float* x0 = rows + (first * width);
        float* x1 = x0 + (Math.Min(1, last) * width);
        float* x2 = x0 + (Math.Min(2, last) * width);
        float* x3 = x0 + (Math.Min(3, last) * width);
        float* x4 = x0 + (Math.Min(4, last) * width);
        float* x5 = x0 + (Math.Min(5, last) * width);
        float* x6 = x0 + (Math.Min(6, last) * width);
        float* x7 = x0 + (Math.Min(7, last) * width);
        float* w = _weights + (panel * Lanes * width);
        float* v = w + (Lanes * width);
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        Vector512<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
        for (nint t = 0; t < width; t++)
        {
            Vector512<float> left = Vector512.LoadAligned(w + (t * Lanes));
            Vector512<float> right = Vector512.LoadAligned(v + (t * Lanes));
            Vector512<float> x = Vector512.Create(x0[t]);
            a0 = Vector512.FusedMultiplyAdd(x, left, a0);
            b0 = Vector512.FusedMultiplyAdd(x, right, b0);
            x = Vector512.Create(x1[t]);
            a1 = Vector512.FusedMultiplyAdd(x, left, a1);
            b1 = Vector512.FusedMultiplyAdd(x, right, b1);
            x = Vector512.Create(x2[t]);
            a2 = Vector512.FusedMultiplyAdd(x, left, a2);
            b2 = Vector512.FusedMultiplyAdd(x, right, b2);
            x = Vector512.Create(x3[t]);
            a3 = Vector512.FusedMultiplyAdd(x, left, a3);
            b3 = Vector512.FusedMultiplyAdd(x, right, b3);
            x = Vector512.Create(x4[t]);
            a4 = Vector512.FusedMultiplyAdd(x, left, a4);
            b4 = Vector512.FusedMultiplyAdd(x, right, b4);
            x = Vector512.Create(x5[t]);
            a5 = Vector512.FusedMultiplyAdd(x, left, a5);
            b5 = Vector512.FusedMultiplyAdd(x, right, b5);
            x = Vector512.Create(x6[t]);
            a6 = Vector512.FusedMultiplyAdd(x, left, a6);
            b6 = Vector512.FusedMultiplyAdd(x, right, b6);
            x = Vector512.Create(x7[t]);
            a7 = Vector512.FusedMultiplyAdd(x, left, a7);
            b7 = Vector512.FusedMultiplyAdd(x, right, b7);
        }

        Store(scores, first, count, panel, a0, a1, a2, a3, a4, a5, a6, a7);
        Store(scores, first, count, panel + 1, b0, b1, b2, b3, b4, b5, b6, b7);
    }

    private void OnePanel(float* rows, int first, int count, int panel, float* scores)
    {
        nint width = _width;
        nint last = count - 1 - first;
        float* x0 = rows + (first * width);
        float* x1 = x0 + (Math.Min(1, last) * width);
        float* x2 = x0 + (Math.Min(2, last) * width);
        float* x3 = x0 + (Math.Min(3, last) * width);
        float* x4 = x0 + (Math.Min(4, last) * width);
        float* x5 = x0 + (Math.Min(5, last) * width);
        float* x6 = x0 + (Math.Min(6, last) * width);
        float* x7 = x0 + (Math.Min(7, last) * width);
        float* w = _weights + (panel * Lanes * width);
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        for (nint t = 0; t < width; t++)
        {
            Vector512<float> left = Vector512.LoadAligned(w + (t * Lanes));
            a0 = Vector512.FusedMultiplyAdd(Vector512.Create(x0[t]), left, a0);
            a1 = Vector512.FusedMultiplyAdd(Vector512.Create(x1[t]), left, a1);
            a2 = Vector512.FusedMultiplyAdd(Vector512.Create(x2[t]), left, a2);
            a3 = Vector512.FusedMultiplyAdd(Vector512.Create(x3[t]), left, a3);
            a4 = Vector512.FusedMultiplyAdd(Vector512.Create(x4[t]), left, a4);
            a5 = Vector512.FusedMultiplyAdd(Vector512.Create(x5[t]), left, a5);
            a6 = Vector512.FusedMultiplyAdd(Vector512.Create(x6[t]), left, a6);
            a7 = Vector512.FusedMultiplyAdd(Vector512.Create(x7[t]), left, a7);
        }

        Store(scores, first, count, panel, a0, a1, a2, a3, a4, a5, a6, a7);
    }

    private void Store(
        float* scores, int first, int count, int panel,
        Vector512<float> r0, Vector512<float> r1, Vector512<float> r2, Vector512<float> r3,
        Vector512<float> r4, Vector512<float> r5, Vector512<float> r6, Vector512<float> r7)
    {
        Vector512<float> bias = Vector512.LoadAligned(_bias + (panel * Lanes));
        nint stride = Stride;
        float* to = scores + (first * stride) + (panel * Lanes);
        ReadOnlySpan<Vector512<float>> results = [r0 + bias, r1 + bias, r2 + bias, r3 + bias, r4 + bias, r5 + bias, r6 + bias, r7 + bias];
        for (int row = 0; row < RowsAtOnce && first + row < count; row++)
        {
            results[row].Store(to + (row * stride));
        }
    }
}
