namespace DiPaCo.Training;

/// <summary>The constants of AdamW that stay the same from step to step; the learning rate is each step's own.</summary>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decoupled decay of matrices.</param>
/// <param name="ClipNorm">Largest global gradient norm; 0: no clipping.</param>
public sealed record AdamWOptions(double Beta1 = 0.9, double Beta2 = 0.95, double Epsilon = 1e-8, double WeightDecay = 0.1, double ClipNorm = 1);
