using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>Validation after a phase.</summary>
/// <param name="Phase">The phase that ended.</param>
/// <param name="Perplexity">Perplexity, prefix excluded.</param>
public sealed record PhaseValidation(Phase Phase, double Perplexity)
{
    /// <summary>Optimizer steps of one path until then, base stage included.</summary>
    public long Steps { get; init; }

    /// <summary>Training floating-point operations of all paths until then, base stage included.</summary>
    public double TrainingFlops { get; init; }

    /// <summary>Floating-point operations that the router and the shards of the phase had taken.</summary>
    public double RoutingFlops { get; init; }
}
