using System.Runtime.Intrinsics;

namespace DiPaCo.Training.Codecs;

/// <summary>
/// The scale of a block as bfloat16: largest magnitude divided by the largest integer, rounded up, so that no element is cut off.
/// An integer of up to 8 bits times such a scale is exact in single precision.
/// </summary>
internal static class BlockScale
{
    /// <summary>A scale's size.</summary>
    public const int Bytes = sizeof(ushort);

    // Below the smallest normal number the inverse would overflow.
    private const uint SmallestNormal = 0x0080;

    /// <summary>The stored scale of a block; 0 for a block of zeros.</summary>
    public static ushort Of(float largest, float levels)
    {
        uint bits = BitConverter.SingleToUInt32Bits(largest / levels);
        return largest == 0 ? (ushort)0 : (ushort)Math.Max((bits + 0xFFFF) >> 16, SmallestNormal);
    }

    /// <summary>The scale's value.</summary>
    public static float Value(ushort stored) => BitConverter.UInt32BitsToSingle((uint)stored << 16);

    /// <summary>The value of a scale that was read.</summary>
    /// <param name="stored">As read.</param>
    /// <param name="levels">The largest magnitude that is multiplied by it.</param>
    /// <exception cref="DeltaFormatException">It is negative, no number or so large that elements would not be finite.</exception>
    public static float Checked(ushort stored, float levels)
    {
        float value = Value(stored);
        return value >= 0 && (stored >> 15) == 0 && value * levels <= float.MaxValue ? value : throw new DeltaFormatException("a block's scale is not a possible one");
    }

    /// <summary>One delta has one spelling: what fills up the last block is zero.</summary>
    public static void ThrowUnlessPadding(ReadOnlySpan<float> padding)
    {
        if (padding.ContainsAnyExcept(0f))
        {
            throw new DeltaFormatException("there are elements behind its end");
        }
    }

    /// <summary>The largest lane.</summary>
    public static float Largest(Vector512<float> values)
    {
        var half = Vector256.Max(values.GetLower(), values.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
    }
}
