namespace DiPaCo.Training.Codecs;

/// <summary>Single precision to bfloat16 and back, one at a time: rounded to nearest, ties to even. For finite values.</summary>
internal static class Bf16Bits
{
    private const ushort Infinity = 0x7F80;

    public static ushort Of(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    public static float Value(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    public static bool IsFinite(ushort bits) => (bits & 0x7FFF) < Infinity;
}
