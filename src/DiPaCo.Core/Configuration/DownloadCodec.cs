namespace DiPaCo.Core.Configuration;

/// <summary>How a new version of a module travels to the paths that train from it.</summary>
public enum DownloadCodec
{
    /// <summary>θ itself, in single precision.</summary>
    Fp32,

    /// <summary>θ rounded to bfloat16.</summary>
    Bf16,

    /// <summary>What is new since the version that was published before, in 8 bits an element and a scale for each block of 64.</summary>
#pragma warning disable CA1720 // Named as in the field, not after a type.
    Int8,
#pragma warning restore CA1720

    /// <summary>The same in 4 bits an element and a scale for each block of 32.</summary>
    Int4,
}
