namespace DiPaCo.Model.Kernels;

/// <summary>The numbers of one AdamW update, with the bias corrections and the clipping already folded in.</summary>
/// <param name="LearningRate">η.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the corrected second moment.</param>
/// <param name="WeightDecay">Decoupled weight decay λ; a matrix is multiplied by 1 − η·λ.</param>
/// <param name="GradientScale">Factor of the gradient: 1, or less where its norm is clipped.</param>
/// <param name="Correction1">1 − β₁ᵗ.</param>
/// <param name="Correction2">1 − β₂ᵗ.</param>
internal readonly record struct AdamWStep(
    double LearningRate, double Beta1, double Beta2, double Epsilon, double WeightDecay,
    double GradientScale, double Correction1, double Correction2);
