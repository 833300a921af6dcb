using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// With y = x·r·g and r = 1/√(mean(x²) + ε): dx = r·(dy·g − x·r²·mean(dy·g·x)), dg = Σ dy·x·r. A chunk is <see cref="Rows"/>
/// rows; each leaves its part of dg in a row of <see cref="GainParts"/>, and <see cref="SumRowsKernel"/> adds those in order.
/// </summary>
internal unsafe struct NormBackwardKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    public const int Rows = 64;

    public void* NormedGradient;
    public float* Input;
    public float* InverseRoot;
    public float* Gain;
    public float* ResidualGradient;
    public void* Delta;
    public float* GainParts;
    public long Count;
    public int Width;
    public bool First;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        float* part = GainParts + (chunk * Width);
        new Span<float>(part, Width).Clear();
        long end = Math.Min((chunk + 1) * Rows, Count);
        for (long m = chunk * Rows; m < end; m++)
        {
            Row((nint)m, part);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Row(nint m, float* part)
    {
        nint at = m * Width;
        float* x = Input + at;
        float r = InverseRoot[m];
        Vector512<float> root = Vector512.Create(r);
        Vector512<float> products = Vector512<float>.Zero;
        for (int d = 0; d < Width; d += 16)
        {
            Vector512<float> dyx = TElement.Load(NormedGradient, at + d) * Vector512.Load(x + d);
            products = Vector512.FusedMultiplyAdd(dyx, Vector512.Load(Gain + d), products);
            Vector512.FusedMultiplyAdd(dyx, root, Vector512.Load(part + d)).Store(part + d);
        }

        Vector512<float> shrink = Vector512.Create(-(VectorMath.Sum(products) / Width * r * r * r));
        float* dx = ResidualGradient + at;
        for (int d = 0; d < Width; d += 16)
        {
            Vector512<float> before = First ? Vector512<float>.Zero : Vector512.Load(dx + d);
            Vector512<float> dyg = TElement.Load(NormedGradient, at + d) * Vector512.Load(Gain + d);
            Vector512<float> sum = Vector512.FusedMultiplyAdd(dyg, root, Vector512.FusedMultiplyAdd(Vector512.Load(x + d), shrink, before));
            sum.Store(dx + d);
            TElement.Store(Delta, at + d, sum);
        }
    }
}
