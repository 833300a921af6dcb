using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>gradient += product. A chunk is <see cref="Elements"/> elements.</summary>
internal unsafe struct AddGradientKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    public const int Elements = 16384;

    public void* Product;
    public float* Gradient;
    public long Count;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        nint end = (nint)Math.Min((chunk + 1) * Elements, Count);
        nint i = (nint)chunk * Elements;
        for (; i <= end - 16; i += 16)
        {
            (Vector512.Load(Gradient + i) + TElement.Load(Product, i)).Store(Gradient + i);
        }

        for (; i < end; i++)
        {
            Gradient[i] += TElement.LoadOne(Product, i);
        }
    }
}
