namespace DiPaCo.Core.Configuration;

/// <summary>The outer optimizer of each module: m ← μ m + Δ; θ ← θ − η (Δ + μ m) (paper §2.6, DiLoCo).</summary>
public sealed record OuterOptimizerOptions
{
    /// <summary>Outer learning rate η. Paper: 0.7.</summary>
    public double LearningRate { get; init; } = 0.7;

    /// <summary>Outer momentum μ, 0 to below 1. Paper: 0.9.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Phases over which the momentum rises from 0 to <see cref="Momentum"/>; 0: it has its value from the start. Default 0.</summary>
    public int MomentumWarmupPhases { get; init; }

    /// <summary>Weights α of the paths through a module. Default: shard size.</summary>
    public OuterWeights Weights { get; init; } = OuterWeights.ShardSize;

    /// <summary>Rescaling of the averaged outer gradient (paper §2.7). Default none.</summary>
    public OuterRescaling Rescaling { get; init; } = OuterRescaling.None;

    /// <summary>Whether modules of a single path have the outer step too (paper footnote 1). Default true.</summary>
    public bool PrivateModules { get; init; } = true;

    /// <summary>μ of a phase, counted from 0.</summary>
    public double MomentumOf(Phase phase) => phase.Value < MomentumWarmupPhases ? Momentum * phase.Value / MomentumWarmupPhases : Momentum;
}
