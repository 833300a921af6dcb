using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>Copies fp32 to the compute type. A chunk is <see cref="Elements"/> elements; the count is a multiple of 16.</summary>
internal unsafe struct CastKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    public const int Elements = 16384;

    public float* Source;
    public void* Destination;
    public long Count;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        nint end = (nint)Math.Min((chunk + 1) * Elements, Count);
        for (nint i = (nint)chunk * Elements; i < end; i += 16)
        {
            TElement.Store(Destination, i, Vector512.Load(Source + i));
        }
    }
}
