using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>residual_MD = embedding_VD[tokens_M]. A chunk is <see cref="Rows"/> tokens.</summary>
internal unsafe struct EmbedKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    public const int Rows = 64;

    public int* Tokens;
    public void* Embedding;
    public float* Residual;
    public long Count;
    public int Width;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        long end = Math.Min((chunk + 1) * Rows, Count);
        for (long m = chunk * Rows; m < end; m++)
        {
            nint source = (nint)Tokens[m] * Width;
            float* target = Residual + (m * Width);
            for (int d = 0; d < Width; d += 16)
            {
                TElement.Load(Embedding, source + d).Store(target + d);
            }
        }
    }
}
