namespace DiPaCo.Serving.Inference;

/// <summary>How weights are stored while they are served. Arithmetic is fp32 in every case.</summary>
public enum WeightType
{
    /// <summary>As they are trained: 4 bytes.</summary>
    Fp32,

    /// <summary>Rounded as the products of bf16 training round them: 2 bytes.</summary>
    Bf16,

    /// <summary>One byte, and one scale for every row of a matrix.</summary>
    Q8,
}
