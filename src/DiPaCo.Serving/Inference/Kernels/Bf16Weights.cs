using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Serving.Inference;

/// <summary>bf16, two weights in a word (<see cref="PackedMatrix"/>).</summary>
internal readonly unsafe struct Bf16Weights : IWeights
{
    public static WeightType Type => WeightType.Bf16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Low(byte* row, nint k) => (Vector512.Load((uint*)((ushort*)row + k)) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> High(byte* row, nint k) => (Vector512.Load((uint*)((ushort*)row + k)) & Vector512.Create(0xFFFF0000u)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(float* scales, int row) => 1;
}
