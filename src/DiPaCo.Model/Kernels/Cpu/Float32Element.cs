using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>fp32 as it is.</summary>
internal readonly unsafe struct Float32Element : IElement
{
    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(void* origin, nint index) => Vector512.Load((float*)origin + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* origin, nint index, Vector512<float> values) => values.Store((float*)origin + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOne(void* origin, nint index) => ((float*)origin)[index];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreOne(void* origin, nint index, float value) => ((float*)origin)[index] = value;
}
