namespace DiPaCo.Training;

/// <summary>
/// How far the paths through a module agree in a phase: the mean cosine between their deltas Δ_i = θ − θ_i, over all pairs, each pair
/// weighted by α_iα_j‖Δ_i‖‖Δ_j‖. The factor √P on the outer step (paper §2.7) assumes deltas that are nearly orthogonal, a cosine of 0.
/// </summary>
/// <remarks>
/// ‖Σα_iΔ_i‖² is the sum of all pairs, those of a path with itself included, so the norms and the mean are enough:
/// no two deltas are ever held at once.
/// </remarks>
public sealed class DeltaAgreement
{
    private double _sum;
    private double _sumOfSquares;
    private int _paths;

    /// <summary>Σ α_i‖Δ_i‖: the weighted mean of the norms.</summary>
    public double MeanNorm => _sum;

    /// <summary>Adds a path.</summary>
    /// <param name="weight">α_i.</param>
    /// <param name="norm">‖Δ_i‖.</param>
    public void Add(double weight, double norm)
    {
        _sum += weight * norm;
        _sumOfSquares += weight * norm * weight * norm;
        _paths += weight > 0 ? 1 : 0;
    }

    /// <summary>The mean cosine; null for a single path, or where nothing moved.</summary>
    /// <param name="norm">‖Σα_iΔ_i‖, of the outer gradient.</param>
    public double? Cosine(double norm)
    {
        double pairs = (_sum * _sum) - _sumOfSquares;
        return _paths > 1 && pairs > 0 ? Math.Clamp(((norm * norm) - _sumOfSquares) / pairs, -1, 1) : null;
    }
}
