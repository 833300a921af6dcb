using System.Numerics;
using System.Runtime.InteropServices;

namespace DiPaCo.Data;

/// <summary>The largest of many packed tokens.</summary>
internal static class TokenRange
{
    public static uint Maximum(ReadOnlySpan<byte> packed, int tokenBytes) => tokenBytes == 2
        ? Maximum(MemoryMarshal.Cast<byte, ushort>(packed))
        : Maximum(MemoryMarshal.Cast<byte, uint>(packed));

    private static uint Maximum<T>(ReadOnlySpan<T> tokens)
        where T : unmanaged, INumber<T>
    {
        Vector<T> largest = default;
        int i = 0;
        for (; i <= tokens.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            largest = Vector.Max(largest, new Vector<T>(tokens[i..]));
        }

        T maximum = default;
        for (int lane = 0; lane < Vector<T>.Count; lane++)
        {
            maximum = T.Max(maximum, largest[lane]);
        }

        for (; i < tokens.Length; i++)
        {
            maximum = T.Max(maximum, tokens[i]);
        }

        return uint.CreateChecked(maximum);
    }
}
