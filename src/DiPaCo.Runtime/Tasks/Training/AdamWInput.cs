namespace DiPaCo.Runtime.Tasks;

/// <summary>The constants of the inner optimizer.</summary>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decoupled decay of matrices.</param>
/// <param name="ClipNorm">Largest global gradient norm; 0: no clipping.</param>
public sealed record AdamWInput(double Beta1, double Beta2, double Epsilon, double WeightDecay, double ClipNorm);
