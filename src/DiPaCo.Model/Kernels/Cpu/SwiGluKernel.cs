using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>inner = silu(gate)·up. A chunk is <see cref="Rows"/> rows of [gate, up].</summary>
internal unsafe struct SwiGluKernel<TElement> : IChunkKernel
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
                TElement.Store(Inner, innerAt + f, gate * VectorMath.Sigmoid(gate) * TElement.Load(Up, upAt + f));
            }
        }
    }
}
