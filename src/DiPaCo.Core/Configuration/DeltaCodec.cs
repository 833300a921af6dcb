namespace DiPaCo.Core.Configuration;

/// <summary>How a path's contribution to a module travels.</summary>
public enum DeltaCodec
{
    /// <summary>θ_i itself, in single precision.</summary>
    Fp32,

    /// <summary>The delta θ_i − θ in bfloat16.</summary>
    Bf16,

    /// <summary>The delta in 8 bits an element and a scale for each block of 64.</summary>
#pragma warning disable CA1720 // Named as in the field, not after a type.
    Int8,
#pragma warning restore CA1720

    /// <summary>The delta in 4 bits an element and a scale for each block of 32.</summary>
    Int4,

    /// <summary>The largest elements of the delta only.</summary>
    TopK,
}
