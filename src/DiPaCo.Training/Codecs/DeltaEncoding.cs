namespace DiPaCo.Training.Codecs;

/// <summary>How a delta is written down. The numbers stand in files and are never given another meaning.</summary>
public enum DeltaEncoding : byte
{
    /// <summary>Single precision: exact.</summary>
    Fp32 = 1,

    /// <summary>bfloat16: half the bytes.</summary>
    Bf16 = 2,

    /// <summary>8 bits an element and a scale for each block: 3.88 times fewer bytes than single precision.</summary>
#pragma warning disable CA1720 // Named as in the field, not after a type.
    Int8 = 3,
#pragma warning restore CA1720

    /// <summary>4 bits an element and a scale for each block: 7.1 times fewer bytes.</summary>
    Int4 = 4,

    /// <summary>The largest elements only, 4 bytes each.</summary>
    TopK = 5,
}
