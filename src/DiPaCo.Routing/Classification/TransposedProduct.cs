using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DiPaCo.Routing;

/// <summary>
/// Σ_r a[r, k] · x[r, t] over a block of rows: the weight gradient of a linear classifier, with the kernel of <see cref="AffineScorer"/>.
/// Each element is one chain of fused multiply-adds over the rows in order. Owns the memory of one block; one thread at a time.
/// </summary>
internal sealed unsafe class TransposedProduct
{
    private const int Lanes = PanelProduct.Lanes;

    private readonly int _outputs;
    private readonly int _width;
    private readonly int _panels;
    private readonly float[] _transposed;
    private readonly float[] _packed;
    private readonly float[] _sums;

    /// <summary>Reserves the memory.</summary>
    /// <param name="rows">Rows of a block at most.</param>
    /// <param name="outputs">Number of columns of a.</param>
    /// <param name="width">Number of columns of x.</param>
    public TransposedProduct(int rows, int outputs, int width)
    {
        _outputs = outputs;
        _width = width;
        _panels = (width + Lanes - 1) / Lanes;
        _transposed = GC.AllocateArray<float>(outputs * rows, pinned: true);
        // The panels and their biases, which stay 0, from the first address that is a multiple of 64 bytes.
        _packed = GC.AllocateArray<float>(checked((_panels * Lanes * rows) + (2 * Lanes) + Lanes), pinned: true);
        _sums = GC.AllocateArray<float>(outputs * Stride, pinned: true);
    }

    /// <summary>Numbers from one output's sums to the next output's.</summary>
    public int Stride => _panels * Lanes;

    /// <summary>The sums of a block.</summary>
    /// <param name="a">Rows × outputs, rows <paramref name="aStride"/> apart.</param>
    /// <param name="aStride">Numbers from one row of a to the next.</param>
    /// <param name="x">Rows × width.</param>
    /// <returns>Outputs × width, <see cref="Stride"/> apart, until the next call.</returns>
    public ReadOnlySpan<float> Of(ReadOnlySpan<float> a, int aStride, ReadOnlySpan<float> x)
    {
        int rows = x.Length / _width;
        nint start = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_packed));
        float* bias = (float*)((start + 63) & ~63);
        float* panels = bias + (2 * Lanes);
        float* transposed = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_transposed));
        float* sums = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_sums));
        Pack(x, rows, panels);
        Transpose(a, aStride, rows, transposed);
        for (nint panel = 0; panel < _panels; panel += 2)
        {
            float* weights = panels + (panel * Lanes * rows);
            for (int output = 0; output < _outputs; output += PanelProduct.RowsAtOnce)
            {
                float* left = transposed + ((nint)output * rows);
                float* to = sums + ((nint)output * Stride) + (panel * Lanes);
                if (panel + 1 < _panels)
                {
                    PanelProduct.Two(left, rows, _outputs - 1 - output, weights, bias, to, Stride);
                }
                else
                {
                    PanelProduct.One(left, rows, _outputs - 1 - output, weights, bias, to, Stride);
                }
            }
        }

        return _sums;
    }

    private void Pack(ReadOnlySpan<float> x, int rows, float* panels)
    {
        for (int panel = 0; panel < _panels; panel++)
        {
            int lanes = Math.Min(Lanes, _width - (panel * Lanes));
            for (int row = 0; row < rows; row++)
            {
                Span<float> to = new(panels + ((((nint)panel * rows) + row) * Lanes), Lanes);
                x.Slice((row * _width) + (panel * Lanes), lanes).CopyTo(to);
                to[lanes..].Clear();
            }
        }
    }

    private void Transpose(ReadOnlySpan<float> a, int aStride, int rows, float* to)
    {
        for (int output = 0; output < _outputs; output++)
        {
            for (int row = 0; row < rows; row++)
            {
                to[((nint)output * rows) + row] = a[(row * aStride) + output];
            }
        }
    }
}
