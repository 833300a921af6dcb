using System.Numerics;
using System.Runtime.InteropServices;

namespace DiPaCo.Training.Codecs;

/// <summary>CRC-32C (Castagnoli), for which processors have an instruction.</summary>
internal static class Crc32C
{
    /// <summary>The checksum of two pieces, one behind the other.</summary>
    public static uint Of(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => ~Add(Add(~0u, first), second);

    /// <summary>Goes on with more bytes: begins with all bits set and ends with the complement.</summary>
    public static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word));
        }

        foreach (byte rest in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, rest);
        }

        return crc;
    }
}
