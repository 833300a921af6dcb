using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// Adds each token's residual gradient to its row of the embedding's. A chunk is a strip of columns of all tokens, so
/// that the sum of each element is in the order of the tokens.
/// </summary>
internal unsafe struct EmbedBackwardKernel : IChunkKernel
{
    public const int Columns = 32;

    public int* Tokens;
    public float* ResidualGradient;
    public float* EmbeddingGradient;
    public long Count;
    public int Width;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        nint first = (nint)chunk * Columns;
        for (long m = 0; m < Count; m++)
        {
            float* source = ResidualGradient + ((nint)m * Width) + first;
            float* target = EmbeddingGradient + ((nint)Tokens[m] * Width) + first;
            for (int d = 0; d < Columns; d += 16)
            {
                (Vector512.Load(target + d) + Vector512.Load(source + d)).Store(target + d);
            }
        }
    }
}
