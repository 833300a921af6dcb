using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Routing;

/// <summary>
/// s_j = w_j · x + b_j of many rows x: what k-means (w = c, b = −‖c‖²/2) and a linear classifier have in common, and
/// where the time of both goes. A blocked matrix product with the outputs packed in panels of 16 lanes. Every score is one chain of fused multiply-adds over the dimensions in order, on every processor
/// and for any blocking, so that equal inputs give equal bits.
/// </summary>
internal sealed unsafe class AffineScorer
{
    private const int Lanes = PanelProduct.Lanes;

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
    /// <param name="centroids">k × d.</param>
    /// <param name="width">Dimensions d.</param>
    /// <param name="offsets">What is added to −‖x − c_j‖² of each centroid; empty: nothing.</param>
    public static AffineScorer OfCentroids(ReadOnlySpan<float> centroids, int width, ReadOnlySpan<float> offsets = default)
    {
        float[] bias = new float[centroids.Length / width];
        for (int centroid = 0; centroid < bias.Length; centroid++)
        {
            double offset = offsets.IsEmpty ? 0 : offsets[centroid];
            bias[centroid] = (float)(0.5 * (offset - RowMath.SquaredNorm(centroids.Slice(centroid * width, width))));
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
            for (int panel = 0; panel < _panels; panel += 2)
            {
                for (int row = 0; row < count; row += PanelProduct.RowsAtOnce)
                {
                    Product(x, s, row, count - 1 - row, panel);
                }
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

    private void Product(float* rows, float* scores, nint row, nint last, nint panel)
    {
        float* x = rows + (row * _width);
        float* s = scores + (row * Stride) + (panel * Lanes);
        float* w = _weights + (panel * Lanes * _width);
        float* b = _bias + (panel * Lanes);
        if (panel + 1 < _panels)
        {
            PanelProduct.Two(x, _width, last, w, b, s, Stride);
        }
        else
        {
            PanelProduct.One(x, _width, last, w, b, s, Stride);
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
}
