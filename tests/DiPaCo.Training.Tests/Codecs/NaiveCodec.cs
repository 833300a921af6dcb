using System.Buffers.Binary;
using DiPaCo.Training.Codecs;

namespace DiPaCo.Training.Tests.Codecs;

/// <summary>The formats as their documentation says them, one element after the other, and a checksum one bit after the other.</summary>
internal static class NaiveCodec
{
    public static byte[] Header(DeltaEncoding encoding, int length, int kept) =>
        [.. "DELT"u8, 1, (byte)encoding, 0, 0, .. BitConverter.GetBytes((long)length), .. BitConverter.GetBytes(kept), 0, 0, 0, 0];

    /// <summary>Writes the checksum of bytes that are otherwise complete.</summary>
    public static byte[] Seal(byte[] encoded)
    {
        uint crc = ~0u;
        for (int i = 0; i < encoded.Length; i++)
        {
            if (i is >= 20 and < 24)
            {
                continue;
            }

            crc ^= encoded[i];
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0x82F63B78 & (0 - (crc & 1)));
            }
        }

        BinaryPrimitives.WriteUInt32LittleEndian(encoded.AsSpan(20), ~crc);
        return encoded;
    }

    public static byte[] Int8(float[] x)
    {
        List<byte> bytes = [.. Header(DeltaEncoding.Int8, x.Length, 0)];
        for (int start = 0; start < x.Length; start += 64)
        {
            (ushort stored, int[] integers) = Block(x, start, 64, 127);
            bytes.AddRange(BitConverter.GetBytes(stored));
            bytes.AddRange(integers.Select(integer => unchecked((byte)integer)));
        }

        return Seal([.. bytes]);
    }

    public static byte[] Int4(float[] x)
    {
        List<byte> bytes = [.. Header(DeltaEncoding.Int4, x.Length, 0)];
        for (int start = 0; start < x.Length; start += 32)
        {
            (ushort stored, int[] integers) = Block(x, start, 32, 7);
            bytes.AddRange(BitConverter.GetBytes(stored));
            bytes.AddRange(Enumerable.Range(0, 16).Select(j => (byte)((integers[j] + 8) | ((integers[j + 16] + 8) << 4))));
        }

        return Seal([.. bytes]);
    }

    public static byte[] TopK(float[] x, int k)
    {
        HashSet<int> kept = [.. Enumerable.Range(0, x.Length).OrderByDescending(i => MathF.Abs(x[i])).ThenBy(i => i).Take(k)];
        List<byte> bytes = [.. Header(DeltaEncoding.TopK, x.Length, k)];
        for (int start = 0; start < x.Length; start += 65536)
        {
            int[] here = [.. Enumerable.Range(start, Math.Min(65536, x.Length - start)).Where(kept.Contains)];
            bytes.AddRange(BitConverter.GetBytes(here.Length));
            foreach (int i in here)
            {
                bytes.AddRange(BitConverter.GetBytes((ushort)(i - start)));
                bytes.AddRange(BitConverter.GetBytes(BFloat16(x[i])));
            }
        }

        return Seal([.. bytes]);
    }

    /// <summary>To nearest, ties to even, by trying both neighbors.</summary>
    public static ushort BFloat16(float value)
    {
        ushort below = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
        ushort above = (ushort)(below + 1);
        double down = Math.Abs((double)value - Value(below));
        double up = Math.Abs((double)value - Value(above));
        return down < up || (down == up && below % 2 == 0) ? below : above;
    }

    public static float Value(ushort bfloat16) => BitConverter.UInt32BitsToSingle((uint)bfloat16 << 16);

    private static (ushort Scale, int[] Integers) Block(float[] x, int start, int length, float levels)
    {
        float[] block = new float[length];
        Array.Copy(x, start, block, 0, Math.Min(length, x.Length - start));
        float largest = block.Max(MathF.Abs);
        if (largest == 0)
        {
            return (0, new int[length]);
        }

        float exact = largest / levels;
        ushort stored = (ushort)(BitConverter.SingleToUInt32Bits(exact) >> 16);
        if (Value(stored) < exact)
        {
            stored++;
        }

        stored = Math.Max(stored, (ushort)0x0080);
        float inverse = 1 / Value(stored);
        return (stored, [.. block.Select(value => (int)MathF.Round(value * inverse, MidpointRounding.ToEven))]);
    }
}
