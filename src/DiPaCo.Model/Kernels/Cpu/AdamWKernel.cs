using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// One pass over parameters, gradient and moments: the update, the compute copy, and the gradient set to zero.
/// m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², θ ← (1 − η·λ)·θ − η·(m/c₁)/(√(v/c₂) + ε).
/// A chunk is <see cref="Elements"/> elements of one range with or without decay; counts are multiples of 32.
/// </summary>
internal unsafe struct AdamWKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    public const int Elements = 8192;

    public float* Parameters;
    public float* Gradient;
    public float* Moment1;
    public float* Moment2;
    public void* Compute;
    public long Count;
    public float GradientScale;
    /// <summary>1 − β₁, formed in double precision.</summary>
    public float Mix1;

    /// <summary>1 − β₂, formed in double precision.</summary>
    public float Mix2;

    /// <summary>η / c₁.</summary>
    public float Rate;

    /// <summary>1 / √c₂.</summary>
    public float RootCorrection;
    public float Epsilon;

    /// <summary>1 − η·λ.</summary>
    public float Keep;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        nint end = (nint)Math.Min((chunk + 1) * Elements, Count);
        for (nint i = (nint)chunk * Elements; i < end; i += 16)
        {
            Step(i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Step(nint i)
    {
        Vector512<float> g = Vector512.Load(Gradient + i) * Vector512.Create(GradientScale);
        Vector512<float> m = Vector512.Load(Moment1 + i);
        Vector512<float> v = Vector512.Load(Moment2 + i);
        m = Vector512.FusedMultiplyAdd(g - m, Vector512.Create(Mix1), m);
        v = Vector512.FusedMultiplyAdd(Vector512.FusedMultiplyAdd(g, g, -v), Vector512.Create(Mix2), v);
        Vector512<float> divisor = Vector512.FusedMultiplyAdd(Vector512.Sqrt(v), Vector512.Create(RootCorrection), Vector512.Create(Epsilon));
        Vector512<float> theta = Vector512.FusedMultiplyAdd(
            Vector512.Load(Parameters + i), Vector512.Create(Keep), -(Vector512.Create(Rate) * m / divisor));
        m.Store(Moment1 + i);
        v.Store(Moment2 + i);
        theta.Store(Parameters + i);
        Vector512<float>.Zero.Store(Gradient + i);
        if (Compute != null)
        {
            TElement.Store(Compute, i, theta);
        }
    }
}
