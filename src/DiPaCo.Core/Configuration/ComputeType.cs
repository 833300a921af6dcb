namespace DiPaCo.Core.Configuration;

/// <summary>Arithmetic of the matrix products.</summary>
public enum ComputeType
{
    /// <summary>bfloat16 operands, fp32 accumulation.</summary>
    Bf16,

    /// <summary>Single precision.</summary>
    Fp32,
}
