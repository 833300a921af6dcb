using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// With s = sigmoid(gate): d up = d·gate·s, d gate = d·up·s·(1 + gate·(1 − s)). In place; <see cref="Inner"/> goes from
/// gradient to value.
/// </summary>
internal unsafe struct SwiGluBackwardKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    public const int Rows = 16;

    public void* Up;
    public void* Inner;
    public long Count;
    public int Width;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        long end = Math.Min((chunk + 1) * Rows, Count);
        for (long m = chunk * Rows; m < end; m++)
        {
            nint gateAt = (nint)m * 2 * Width;
            nint upAt = gateAt + Width;
            nint innerAt = (nint)m * Width;
            for (int f = 0; f < Width; f += 16)
            {
                Vector512<float> gate = TElement.Load(Up, gateAt + f);
                Vector512<float> up = TElement.Load(Up, upAt + f);
                Vector512<float> d = TElement.Load(Inner, innerAt + f);
                Vector512<float> s = VectorMath.Sigmoid(gate);
                Vector512<float> silu = gate * s;
                Vector512<float> slope = Vector512.FusedMultiplyAdd(silu, Vector512<float>.One - s, s);
                TElement.Store(Inner, innerAt + f, silu * up);
                TElement.Store(Up, gateAt + f, d * up * slope);
                TElement.Store(Up, upAt + f, d * silu);
            }
        }
    }
}
