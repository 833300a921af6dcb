using System.Runtime.Intrinsics;

namespace DiPaCo.Routing;

/// <summary>
/// The inner loop of <see cref="AffineScorer"/>: 8 rows times one or two panels of 16 outputs, all sums in registers.
/// Rows beyond the last stand for the last again: what they compute is stored over the same result.
/// Written out by hand, and without a call while sums are alive, because anything else makes the compiler spill them.
/// </summary>
internal static unsafe class PanelProduct
{
    /// <summary>Outputs of a panel.</summary>
    public const int Lanes = 16;

    /// <summary>Rows of one call.</summary>
    public const int RowsAtOnce = 8;

    /// <summary>scores[r, j] = Σ_t rows[r, t] · weights[t, j] + bias[j] for rows r = 0 … min(7, last) and the outputs of a panel.</summary>
    /// <param name="rows">The first row; <paramref name="width"/> numbers each, one after the other.</param>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="last">Number of the last row that exists.</param>
    /// <param name="weights">The panel: <paramref name="width"/> × 16.</param>
    /// <param name="bias">16 numbers.</param>
    /// <param name="scores">The first row's first score.</param>
    /// <param name="stride">Numbers from one row's scores to the next row's.</param>
    public static void One(float* rows, nint width, nint last, float* weights, float* bias, float* scores, nint stride)
    {
        float* x1 = rows + (Math.Min(1, last) * width);
        float* x2 = rows + (Math.Min(2, last) * width);
        float* x3 = rows + (Math.Min(3, last) * width);
        float* x4 = rows + (Math.Min(4, last) * width);
        float* x5 = rows + (Math.Min(5, last) * width);
        float* x6 = rows + (Math.Min(6, last) * width);
        float* x7 = rows + (Math.Min(7, last) * width);
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        for (nint t = 0; t < width; t++)
        {
            Vector512<float> left = Vector512.LoadAligned(weights + (t * Lanes));
            a0 = Vector512.FusedMultiplyAdd(Vector512.Create(rows[t]), left, a0);
            a1 = Vector512.FusedMultiplyAdd(Vector512.Create(x1[t]), left, a1);
            a2 = Vector512.FusedMultiplyAdd(Vector512.Create(x2[t]), left, a2);
            a3 = Vector512.FusedMultiplyAdd(Vector512.Create(x3[t]), left, a3);
            a4 = Vector512.FusedMultiplyAdd(Vector512.Create(x4[t]), left, a4);
            a5 = Vector512.FusedMultiplyAdd(Vector512.Create(x5[t]), left, a5);
            a6 = Vector512.FusedMultiplyAdd(Vector512.Create(x6[t]), left, a6);
            a7 = Vector512.FusedMultiplyAdd(Vector512.Create(x7[t]), left, a7);
        }

        Vector512<float> c = Vector512.LoadAligned(bias);
        (a0 + c).Store(scores);
        (a1 + c).Store(scores + (Math.Min(1, last) * stride));
        (a2 + c).Store(scores + (Math.Min(2, last) * stride));
        (a3 + c).Store(scores + (Math.Min(3, last) * stride));
        (a4 + c).Store(scores + (Math.Min(4, last) * stride));
        (a5 + c).Store(scores + (Math.Min(5, last) * stride));
        (a6 + c).Store(scores + (Math.Min(6, last) * stride));
        (a7 + c).Store(scores + (Math.Min(7, last) * stride));
    }

    /// <summary>The same for a panel and the one behind it.</summary>
    /// <param name="rows">The first row; <paramref name="width"/> numbers each, one after the other.</param>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="last">Number of the last row that exists.</param>
    /// <param name="weights">Two panels, one after the other.</param>
    /// <param name="bias">32 numbers.</param>
    /// <param name="scores">The first row's first score.</param>
    /// <param name="stride">Numbers from one row's scores to the next row's.</param>
    public static void Two(float* rows, nint width, nint last, float* weights, float* bias, float* scores, nint stride)
    {
        float* x1 = rows + (Math.Min(1, last) * width);
        float* x2 = rows + (Math.Min(2, last) * width);
        float* x3 = rows + (Math.Min(3, last) * width);
        float* x4 = rows + (Math.Min(4, last) * width);
        float* x5 = rows + (Math.Min(5, last) * width);
        float* x6 = rows + (Math.Min(6, last) * width);
        float* x7 = rows + (Math.Min(7, last) * width);
        float* second = weights + (Lanes * width);
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        Vector512<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
        for (nint t = 0; t < width; t++)
        {
            Vector512<float> left = Vector512.LoadAligned(weights + (t * Lanes));
            Vector512<float> right = Vector512.LoadAligned(second + (t * Lanes));
            Vector512<float> x = Vector512.Create(rows[t]);
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

        Vector512<float> c = Vector512.LoadAligned(bias);
        (a0 + c).Store(scores);
        (a1 + c).Store(scores + (Math.Min(1, last) * stride));
        (a2 + c).Store(scores + (Math.Min(2, last) * stride));
        (a3 + c).Store(scores + (Math.Min(3, last) * stride));
        (a4 + c).Store(scores + (Math.Min(4, last) * stride));
        (a5 + c).Store(scores + (Math.Min(5, last) * stride));
        (a6 + c).Store(scores + (Math.Min(6, last) * stride));
        (a7 + c).Store(scores + (Math.Min(7, last) * stride));
        c = Vector512.LoadAligned(bias + Lanes);
        (b0 + c).Store(scores + Lanes);
        (b1 + c).Store(scores + (Math.Min(1, last) * stride) + Lanes);
        (b2 + c).Store(scores + (Math.Min(2, last) * stride) + Lanes);
        (b3 + c).Store(scores + (Math.Min(3, last) * stride) + Lanes);
        (b4 + c).Store(scores + (Math.Min(4, last) * stride) + Lanes);
        (b5 + c).Store(scores + (Math.Min(5, last) * stride) + Lanes);
        (b6 + c).Store(scores + (Math.Min(6, last) * stride) + Lanes);
        (b7 + c).Store(scores + (Math.Min(7, last) * stride) + Lanes);
    }
}
