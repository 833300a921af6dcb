using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// The tanh approximation, gelu(x) = x·sigmoid(2u) with u = √(2/π)·(x + 0.044715·x³), and its backward pass in place.
/// A chunk is <see cref="Elements"/> elements.
/// </summary>
internal unsafe struct GeluKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    public const int Elements = 8192;

    private const float TwoRootTwoOverPi = 1.59576912f;
    private const float Cubic = 0.044715f;

    public void* Up;
    public void* Inner;
    public long Count;
    public bool Backward;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        long end = Math.Min((chunk + 1) * Elements, Count);
        for (nint i = (nint)chunk * Elements; i < end; i += 16)
        {
            Vector512<float> x = TElement.Load(Up, i);
            Vector512<float> square = x * x;
            Vector512<float> s = VectorMath.Sigmoid(Scaled(x, square, Cubic));
            if (Backward)
            {
                // d(x·s)/dx = s + x·s·(1 − s)·d(2u)/dx
                Vector512<float> slope = Scaled(Vector512<float>.One, square, 3 * Cubic);
                Vector512<float> derivative = s + (x * s * (Vector512<float>.One - s) * slope);
                TElement.Store(Up, i, TElement.Load(Inner, i) * derivative);
            }

            TElement.Store(Inner, i, x * s);
        }
    }

    /// <summary>2·√(2/π)·x·(1 + factor·square).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scaled(Vector512<float> x, Vector512<float> square, float factor) =>
        x * Vector512.Create(TwoRootTwoOverPi) * Vector512.FusedMultiplyAdd(square, Vector512.Create(factor), Vector512<float>.One);
}
