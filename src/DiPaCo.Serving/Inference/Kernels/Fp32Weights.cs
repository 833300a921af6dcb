using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Serving.Inference;

/// <summary>fp32 as it is.</summary>
internal readonly unsafe struct Fp32Weights : IWeights
{
    public static WeightType Type => WeightType.Fp32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Low(byte* row, nint k) => Vector512.Load((float*)row + k);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> High(byte* row, nint k) => Vector512.Load((float*)row + k + 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(float* scales, int row) => 1;
}
