using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Training.Codecs;

/// <summary>x = delta + residual, which is what a codec encodes.</summary>
internal static class ErrorFeedback
{
    /// <summary>The largest magnitude that is encoded: far above any delta, and far enough below the end of the range that no rounding leaves it.</summary>
    public const float Largest = 1e38f;

    /// <summary>Replaces the residual by x, after it has been made sure that all of x is finite.</summary>
    public static void Add(ReadOnlySpan<float> delta, Span<float> residual)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(residual.Length, delta.Length, nameof(residual));
        ThrowUnlessFinite(delta, residual);
        ref float source = ref MemoryMarshal.GetReference(delta);
        ref float target = ref MemoryMarshal.GetReference(residual);
        int i = 0;
        for (; i <= delta.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            Sum(Vector512.LoadUnsafe(ref source, (nuint)i), Vector512.LoadUnsafe(ref target, (nuint)i)).StoreUnsafe(ref target, (nuint)i);
        }

        for (; i < delta.Length; i++)
        {
            residual[i] = Sum(delta[i], residual[i]);
        }
    }

    private static void ThrowUnlessFinite(ReadOnlySpan<float> delta, ReadOnlySpan<float> residual)
    {
        ref float source = ref MemoryMarshal.GetReference(delta);
        ref float target = ref MemoryMarshal.GetReference(residual);
        int i = 0;
        for (; i <= delta.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            Vector512<float> x = Sum(Vector512.LoadUnsafe(ref source, (nuint)i), Vector512.LoadUnsafe(ref target, (nuint)i));
            if (!Vector512.LessThanOrEqualAll(Vector512.Abs(x), Vector512.Create(Largest)))
            {
                break;
            }
        }

        for (; i < delta.Length; i++)
        {
            float x = Sum(delta[i], residual[i]);
            if (!(MathF.Abs(x) <= Largest))
            {
                throw new NonFiniteDeltaException(i, x);
            }
        }
    }

    // A residual of zero adds nothing, not even to a negative zero: the exact codec is exact to the bit.
    private static float Sum(float delta, float residual) => residual == 0 ? delta : delta + residual;

    private static Vector512<float> Sum(Vector512<float> delta, Vector512<float> residual) =>
        Vector512.ConditionalSelect(Vector512.Equals(residual, Vector512<float>.Zero), delta, delta + residual);
}
