namespace DiPaCo.Model.SafeTensors;

/// <summary>The element types of the safetensors format that this product reads and writes, by the format's own names.</summary>
public enum TensorDType
{
    /// <summary>64-bit IEEE number.</summary>
    F64,

    /// <summary>32-bit IEEE number.</summary>
    F32,

    /// <summary>16-bit IEEE number.</summary>
    F16,

    /// <summary>The upper half of a 32-bit IEEE number.</summary>
    BF16,

    /// <summary>8-bit number, 4 bits of exponent.</summary>
    F8E4M3,

    /// <summary>8-bit number, 5 bits of exponent.</summary>
    F8E5M2,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Truth value of one byte.</summary>
    Boolean,
}
