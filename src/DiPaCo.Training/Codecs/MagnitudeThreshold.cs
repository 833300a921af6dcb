namespace DiPaCo.Training.Codecs;

/// <summary>
/// The magnitude of the k-th largest element, found by counting: once the upper 16 bits of all, then the lower ones of those that
/// are left. The bits of a positive number grow with it.
/// </summary>
/// <param name="Magnitude">The bits of the magnitude; everything above is kept.</param>
/// <param name="KeptAtThreshold">How many of exactly this magnitude are kept.</param>
internal readonly record struct MagnitudeThreshold(uint Magnitude, int KeptAtThreshold)
{
    private const int LowerBits = 15;
    private const uint LowerMask = (1 << LowerBits) - 1;

    /// <summary>The bits of |x|.</summary>
    public static uint MagnitudeOf(float x) => BitConverter.SingleToUInt32Bits(x) & 0x7FFF_FFFF;

    /// <summary>The threshold that keeps exactly k elements, 0 ≤ k ≤ n.</summary>
    public static MagnitudeThreshold Of(ReadOnlySpan<float> values, int k)
    {
        int[] counts = new int[1 << 16];
        foreach (float value in values)
        {
            counts[MagnitudeOf(value) >> LowerBits]++;
        }

        uint upper = Select(counts, ref k);
        Array.Clear(counts);
        foreach (float value in values)
        {
            uint magnitude = MagnitudeOf(value);
            if (magnitude >> LowerBits == upper)
            {
                counts[magnitude & LowerMask]++;
            }
        }

        uint lower = Select(counts, ref k);
        return new MagnitudeThreshold((upper << LowerBits) | lower, k);
    }

    /// <summary>The class that the k-th largest is in; k becomes its rank there.</summary>
    private static uint Select(int[] counts, ref int k)
    {
        int at = counts.Length - 1;
        for (; at > 0 && counts[at] < k; at--)
        {
            k -= counts[at];
        }

        return (uint)at;
    }
}
