using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DiPaCo.Serving.Inference;

/// <summary>int8 with one scale a row.</summary>
internal readonly unsafe struct Int8Weights : IWeights
{
    public static WeightType Type => WeightType.Q8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Low(byte* row, nint k) => Widen((sbyte*)row + k);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> High(byte* row, nint k) => Widen((sbyte*)row + k + 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(float* scales, int row) => scales[row];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(sbyte* at)
    {
        Vector128<sbyte> bytes = Vector128.Load(at);
        if (Avx512F.IsSupported)
        {
            return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(bytes));
        }

        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(bytes);
        Vector256<int> first = Vector256.Create(Vector128.WidenLower(low), Vector128.WidenUpper(low));
        Vector256<int> second = Vector256.Create(Vector128.WidenLower(high), Vector128.WidenUpper(high));
        return Vector512.ConvertToSingle(Vector512.Create(first, second));
    }
}
