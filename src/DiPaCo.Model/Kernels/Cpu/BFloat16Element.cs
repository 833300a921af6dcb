using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// bfloat16: the upper half of an fp32, rounded to nearest, ties to even. A NaN stays one, except for payloads that
/// no arithmetic produces.
/// </summary>
internal readonly unsafe struct BFloat16Element : IElement
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(void* origin, nint index)
    {
        Vector256<ushort> halves = Vector256.Load((ushort*)origin + index);
        Vector512<uint> bits = Avx512F.IsSupported
            ? Avx512F.ConvertToVector512UInt32(halves)
            : Vector512.Create(Vector256.WidenLower(halves), Vector256.WidenUpper(halves));
        return (bits << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* origin, nint index, Vector512<float> values)
    {
        Vector512<uint> rounded = Round(values) >>> 16;
        Vector256<ushort> halves = Avx512F.IsSupported
            ? Avx512F.ConvertToVector256UInt16(rounded)
            : Vector256.Narrow(rounded.GetLower(), rounded.GetUpper());
        halves.Store((ushort*)origin + index);
    }

    /// <summary>The rounded numbers in the upper halves; what is in the lower ones means nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Round(Vector512<float> values)
    {
        Vector512<uint> bits = values.AsUInt32();
        Vector512<uint> odd = (bits >>> 16) & Vector512<uint>.One;
        return bits + Vector512.Create(0x7FFFu) + odd;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOne(void* origin, nint index) =>
        BitConverter.UInt32BitsToSingle((uint)((ushort*)origin)[index] << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreOne(void* origin, nint index, float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        ((ushort*)origin)[index] = (ushort)((bits + 0x7FFFu + ((bits >> 16) & 1)) >> 16);
    }
}
