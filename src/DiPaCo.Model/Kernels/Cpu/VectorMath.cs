using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// exp and what is made of it, for 16 numbers at a time, within 2 units in the last place. The framework's own
/// exp goes through double precision and takes about three times as long.
/// </summary>
internal static class VectorMath
{
    private const float Log2E = 1.44269504f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;
    private const float Lowest = -87.3f;
    private const float Highest = 88.3f;
    private const float SigmoidEnd = 80f;

    /// <summary>eˣ = 2ⁿ·eʳ with n = round(x / ln 2) and a polynomial for eʳ. Arguments beyond the range of fp32 give its ends; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            return Vector512.Create(Exp(x.GetLower()), Exp(x.GetUpper()));
        }

        x = Vector512.MinNative(Vector512.Create(Highest), Vector512.MaxNative(Vector512.Create(Lowest), x));
        Vector512<float> n = Vector512.Round(x * Vector512.Create(Log2E));
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2High), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2Low), r);
        Vector512<float> p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);
        Vector512<int> exponent = Vector512.ConvertToInt32Native(n) + Vector512.Create(127);
        return p * (exponent << 23).AsSingle();
    }

    /// <summary>The same of 8 numbers, bit for bit: of vectors that the processor does not have the compiler makes calls, which cost ten times the arithmetic.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Exp(Vector256<float> x)
    {
        x = Vector256.MinNative(Vector256.Create(Highest), Vector256.MaxNative(Vector256.Create(Lowest), x));
        Vector256<float> n = Vector256.Round(x * Vector256.Create(Log2E));
        Vector256<float> r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-Ln2High), x);
        r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-Ln2Low), r);
        Vector256<float> p = Vector256.Create(1.9875691500e-4f);
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.3981999507e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(8.3334519073e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(4.1665795894e-2f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.6666665459e-1f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(5.0000001201e-1f));
        p = Vector256.FusedMultiplyAdd(p, r * r, r + Vector256<float>.One);
        Vector256<int> exponent = Vector256.ConvertToInt32Native(n) + Vector256.Create(127);
        return p * (exponent << 23).AsSingle();
    }

    /// <summary>1 / (1 + e⁻ˣ), at least e⁻⁸⁰.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(Vector512<float> x)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            return Vector512.Create(Sigmoid(x.GetLower()), Sigmoid(x.GetUpper()));
        }

        return Reciprocal(Vector512<float>.One + Exp(Vector512.MinNative(Vector512.Create(SigmoidEnd), -x)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Sigmoid(Vector256<float> x) =>
        Reciprocal(Vector256<float>.One + Exp(Vector256.MinNative(Vector256.Create(SigmoidEnd), -x)));

    /// <summary>
    /// 1 / x for 1 ≤ x ≤ 2¹²⁰. From a first guess that the number's own bits give, three steps of Newton's method: a division occupies the processor for
    /// three times as long, and the processor's own guess is not the same on all of them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Reciprocal(Vector512<float> x)
    {
        Vector512<float> two = Vector512.Create(2f);
        Vector512<float> y = (Vector512.Create(0x7EF311C7) - x.AsInt32()).AsSingle();
        y *= Vector512.FusedMultiplyAdd(-x, y, two);
        y *= Vector512.FusedMultiplyAdd(-x, y, two);
        Vector512<float> left = Vector512.FusedMultiplyAdd(-x, y, Vector512<float>.One);
        return Vector512.FusedMultiplyAdd(left, y, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Reciprocal(Vector256<float> x)
    {
        Vector256<float> two = Vector256.Create(2f);
        Vector256<float> y = (Vector256.Create(0x7EF311C7) - x.AsInt32()).AsSingle();
        y *= Vector256.FusedMultiplyAdd(-x, y, two);
        y *= Vector256.FusedMultiplyAdd(-x, y, two);
        Vector256<float> left = Vector256.FusedMultiplyAdd(-x, y, Vector256<float>.One);
        return Vector256.FusedMultiplyAdd(left, y, y);
    }

    /// <summary>The sum in one fixed order, whatever the width of the hardware.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> x)
    {
        Vector256<float> half = x.GetLower() + x.GetUpper();
        Vector128<float> quarter = half.GetLower() + half.GetUpper();
        return quarter[0] + quarter[1] + (quarter[2] + quarter[3]);
    }

    /// <summary>The largest of the 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> x)
    {
        Vector256<float> half = Vector256.Max(x.GetLower(), x.GetUpper());
        Vector128<float> quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
    }
}
