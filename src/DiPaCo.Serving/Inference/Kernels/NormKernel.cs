using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DiPaCo.Model.Kernels.Cpu;

namespace DiPaCo.Serving.Inference;

/// <summary>normed = x / √(mean(x²) + ε)·gain, each row with a gain of its own path. A chunk is <see cref="Rows"/> rows.</summary>
internal unsafe struct NormKernel : IChunkKernel
{
    /// <summary>Rows of a chunk.</summary>
    public const int Rows = 8;

    public float* X;
    public float* Normed;
    public float** Gains;

    /// <summary>Which rows of x; null: the first ones.</summary>
    public int* Selected;
    public int Count;
    public int Width;
    public float Epsilon;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        int end = (int)Math.Min((chunk + 1) * Rows, Count);
        for (int m = (int)chunk * Rows; m < end; m++)
        {
            float* x = X + ((nint)(Selected == null ? m : Selected[m]) * Width);
            float* normed = Normed + ((nint)m * Width);
            float* gain = Gains[m];
            Vector512<float> even = Vector512<float>.Zero;
            Vector512<float> odd = Vector512<float>.Zero;
            for (int d = 0; d < Width; d += 32)
            {
                Vector512<float> a = Vector512.Load(x + d);
                Vector512<float> b = Vector512.Load(x + d + 16);
                even = Vector512.FusedMultiplyAdd(a, a, even);
                odd = Vector512.FusedMultiplyAdd(b, b, odd);
            }

            Vector512<float> factor = Vector512.Create(1 / MathF.Sqrt((VectorMath.Sum(even + odd) / Width) + Epsilon));
            for (int d = 0; d < Width; d += 16)
            {
                (Vector512.Load(x + d) * factor * Vector512.Load(gain + d)).Store(normed + d);
            }
        }
    }
}
