using System.Runtime.Intrinsics;

namespace DiPaCo.Serving.Inference;

/// <summary>How a group of 32 stored weights becomes fp32. Loops are compiled once per type.</summary>
internal unsafe interface IWeights
{
    /// <summary>The weights' type.</summary>
    static abstract WeightType Type { get; }

    /// <summary>Weights [<paramref name="k"/>, k + 16) of a row; k is a multiple of 32.</summary>
    static abstract Vector512<float> Low(byte* row, nint k);

    /// <summary>Weights [<paramref name="k"/> + 16, k + 32) of a row; k is a multiple of 32.</summary>
    static abstract Vector512<float> High(byte* row, nint k);

    /// <summary>The factor of a row.</summary>
    static abstract float Scale(float* scales, int row);
}
