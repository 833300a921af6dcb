namespace DiPaCo.Serving.Export;

/// <summary>How the elements of exported matrices are stored; gains of norms are fp32 always in GGUF.</summary>
public enum ExportType
{
    /// <summary>32-bit numbers: nothing is lost.</summary>
    F32,

    /// <summary>16-bit IEEE numbers.</summary>
    F16,

    /// <summary>The upper half of 32-bit numbers, rounded to nearest even.</summary>
    Bf16,

    /// <summary>Blocks of 32 signed bytes with one 16-bit scale (GGUF only).</summary>
    Q80,
}
