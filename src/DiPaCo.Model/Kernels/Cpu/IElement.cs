using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>How an activation is stored. Arithmetic is always fp32; loops are compiled once per type.</summary>
internal unsafe interface IElement
{
    /// <summary>Bytes of one element.</summary>
    static abstract int Size { get; }

    /// <summary>16 elements from element <paramref name="index"/> on.</summary>
    static abstract Vector512<float> Load(void* origin, nint index);

    /// <summary>Stores 16 elements from element <paramref name="index"/> on.</summary>
    static abstract void Store(void* origin, nint index, Vector512<float> values);

    /// <summary>One element.</summary>
    static abstract float LoadOne(void* origin, nint index);

    /// <summary>Stores one element.</summary>
    static abstract void StoreOne(void* origin, nint index, float value);
}
