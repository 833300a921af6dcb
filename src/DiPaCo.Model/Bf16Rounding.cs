using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model;

/// <summary>Single precision to bfloat16 and back: rounded to nearest, ties to even. For finite values.</summary>
internal static class Bf16Rounding
{
    /// <summary>Rounds elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(ReadOnlySpan<float> values, Span<ushort> halves)
    {
        ref float source = ref MemoryMarshal.GetReference(values);
        ref ushort target = ref MemoryMarshal.GetReference(halves);
        int i = 0;
        for (; i <= values.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            Vector512<uint> bits = Vector512.LoadUnsafe(ref source, (nuint)i).AsUInt32();
            Vector512<uint> rounded = (bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One)) >>> 16;
            Vector256.Narrow(rounded.GetLower(), rounded.GetUpper()).StoreUnsafe(ref target, (nuint)i);
        }

        for (; i < values.Length; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(values[i]);
            halves[i] = (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }

    /// <summary>Widens elements that lie in the upper half of the bytes of their own destination: front to back, none is overwritten before it is read.</summary>
    /// <param name="values">Of n elements; its last 2n bytes hold the halves.</param>
    public static void WidenInPlace(Span<float> values)
    {
        Span<ushort> halves = MemoryMarshal.Cast<float, ushort>(values)[values.Length..];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = BitConverter.UInt32BitsToSingle((uint)halves[i] << 16);
        }
    }
}
