using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Routing;

/// <summary>
/// Arithmetic on rows. Where numbers are summed, the order is that of 16 lanes on every processor, whatever the width of
/// its registers, so that the same features give the same router everywhere.
/// </summary>
internal static class RowMath
{
    private const int Lanes = 16;

    /// <summary>z = (x − shift) · scale.</summary>
    public static void ShiftAndScale(ReadOnlySpan<float> x, ReadOnlySpan<float> shift, ReadOnlySpan<float> scale, Span<float> z)
    {
        int at = 0;
        for (; at <= x.Length - Lanes; at += Lanes)
        {
            ((Vector512.Create(x[at..]) - Vector512.Create(shift[at..])) * Vector512.Create(scale[at..])).CopyTo(z[at..]);
        }

        for (; at < x.Length; at++)
        {
            z[at] = (x[at] - shift[at]) * scale[at];
        }
    }

    /// <summary>Σ (x − y)², without the cancellation of the expanded form: 0 exactly where x = y.</summary>
    public static float SquaredDistance(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        int at = 0;
        for (; at <= x.Length - Lanes; at += Lanes)
        {
            Vector512<float> difference = Vector512.Create(x[at..]) - Vector512.Create(y[at..]);
            sum = Vector512.FusedMultiplyAdd(difference, difference, sum);
        }

        float rest = 0;
        for (; at < x.Length; at++)
        {
            float difference = x[at] - y[at];
            rest = MathF.FusedMultiplyAdd(difference, difference, rest);
        }

        return Sum(sum) + rest;
    }

    /// <summary>Σ x².</summary>
    public static double SquaredNorm(ReadOnlySpan<float> x)
    {
        double sum = 0;
        foreach (float value in x)
        {
            sum += (double)value * value;
        }

        return sum;
    }

    /// <summary>sum += x, in double precision.</summary>
    public static void AddTo(Span<double> sum, ReadOnlySpan<float> x)
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref double to = ref MemoryMarshal.GetReference(sum[..x.Length]);
        int at = 0;
        for (; at <= x.Length - Lanes; at += Lanes)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.LoadUnsafe(ref from, (nuint)at));
            (Vector512.LoadUnsafe(ref to, (nuint)at) + lower).StoreUnsafe(ref to, (nuint)at);
            (Vector512.LoadUnsafe(ref to, (nuint)at + 8) + upper).StoreUnsafe(ref to, (nuint)at + 8);
        }

        for (; at < x.Length; at++)
        {
            Unsafe.Add(ref to, at) += Unsafe.Add(ref from, at);
        }
    }

    /// <summary>x −= y.</summary>
    public static void Subtract(Span<float> x, ReadOnlySpan<float> y)
    {
        int at = 0;
        for (; at <= x.Length - Lanes; at += Lanes)
        {
            (Vector512.Create<float>(x[at..]) - Vector512.Create(y[at..])).CopyTo(x[at..]);
        }

        for (; at < x.Length; at++)
        {
            x[at] -= y[at];
        }
    }

    /// <summary>x · factor.</summary>
    public static void Scale(Span<float> x, float factor)
    {
        for (int at = 0; at < x.Length; at++)
        {
            x[at] *= factor;
        }
    }

    /// <summary>Whether every number is finite.</summary>
    public static bool AllFinite(ReadOnlySpan<float> x)
    {
        foreach (float value in x)
        {
            if (!float.IsFinite(value))
            {
                return false;
            }
        }

        return true;
    }

    private static float Sum(Vector512<float> lanes)
    {
        Vector256<float> eight = lanes.GetLower() + lanes.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }
}
