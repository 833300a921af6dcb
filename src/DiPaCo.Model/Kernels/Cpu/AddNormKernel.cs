using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>sum = residual + delta, inverse root = 1/√(mean(sum²) + ε), normed = sum·inverse root·gain. A chunk is <see cref="Rows"/> rows.</summary>
internal unsafe struct AddNormKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    public const int Rows = 32;

    public float* Residual;
    public void* Delta;
    public float* Sum;
    public float* Gain;
    public void* Normed;
    public float* InverseRoot;
    public long Count;
    public int Width;
    public float Epsilon;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        long end = Math.Min((chunk + 1) * Rows, Count);
        for (long m = chunk * Rows; m < end; m++)
        {
            Row((nint)m);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Row(nint m)
    {
        nint at = m * Width;
        float* x = Residual + at;
        Vector512<float> squares0 = Vector512<float>.Zero;
        Vector512<float> squares1 = Vector512<float>.Zero;
        if (Delta != null)
        {
            float* sum = Sum + at;
            for (int d = 0; d < Width; d += 32)
            {
                Vector512<float> sum0 = Vector512.Load(x + d) + TElement.Load(Delta, at + d);
                Vector512<float> sum1 = Vector512.Load(x + d + 16) + TElement.Load(Delta, at + d + 16);
                sum0.Store(sum + d);
                sum1.Store(sum + d + 16);
                squares0 = Vector512.FusedMultiplyAdd(sum0, sum0, squares0);
                squares1 = Vector512.FusedMultiplyAdd(sum1, sum1, squares1);
            }

            x = sum;
        }
        else
        {
            for (int d = 0; d < Width; d += 32)
            {
                Vector512<float> x0 = Vector512.Load(x + d);
                Vector512<float> x1 = Vector512.Load(x + d + 16);
                squares0 = Vector512.FusedMultiplyAdd(x0, x0, squares0);
                squares1 = Vector512.FusedMultiplyAdd(x1, x1, squares1);
            }
        }

        float inverseRoot = 1 / MathF.Sqrt((VectorMath.Sum(squares0 + squares1) / Width) + Epsilon);
        InverseRoot[m] = inverseRoot;
        Vector512<float> factor = Vector512.Create(inverseRoot);
        for (int d = 0; d < Width; d += 16)
        {
            TElement.Store(Normed, at + d, Vector512.Load(x + d) * factor * Vector512.Load(Gain + d));
        }
    }
}
