using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DiPaCo.Model.Kernels.Cpu;

namespace DiPaCo.Model;

/// <summary>Single precision to bfloat16 and back: rounded to nearest, ties to even. For finite values.</summary>
internal static unsafe class Bf16Rounding
{
    /// <summary>Rounds elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(ReadOnlySpan<float> values, Span<ushort> halves)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(halves.Length, values.Length);
        fixed (float* source = values)
        fixed (ushort* target = halves)
        {
            int i = 0;
            for (; i <= values.Length - Vector512<float>.Count; i += Vector512<float>.Count)
            {
                BFloat16Element.Store(target, i, Vector512.Load(source + i));
            }

            for (; i < values.Length; i++)
            {
                BFloat16Element.StoreOne(target, i, source[i]);
            }
        }
    }

    /// <summary>Widens elements that lie in the upper half of the bytes of their own destination: front to back, none is overwritten before it is read.</summary>
    /// <param name="values">Of n elements; its last 2n bytes hold the halves.</param>
    public static void WidenInPlace(Span<float> values)
    {
        fixed (float* target = values)
        {
            for (int i = 0; i < values.Length; i++)
            {
                target[i] = BFloat16Element.LoadOne(target, values.Length + i);
            }
        }
    }
}
