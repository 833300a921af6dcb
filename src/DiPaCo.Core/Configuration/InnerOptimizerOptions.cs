namespace DiPaCo.Core.Configuration;

/// <summary>AdamW and its schedules. The schedule restarts with a new warm-up and cosine at the fork.</summary>
public sealed record InnerOptimizerOptions
{
    /// <summary>Peak learning rate of the paths after the fork; positive. Paper: 4e-4 for 150 M.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Warm-up steps after the fork.</summary>
    public required int WarmupSteps { get; init; }

    /// <summary>Peak learning rate of the base stage; positive.</summary>
    public required double BaseLearningRate { get; init; }

    /// <summary>Warm-up steps of the base stage.</summary>
    public required int BaseWarmupSteps { get; init; }

    /// <summary>Last learning rate as a share of the peak, 0 to 1. Default 0.1.</summary>
    public double FinalShare { get; init; } = 0.1;

    /// <summary>Decay of the first moment. Default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the second moment. Default 0.95.</summary>
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Added to the root of the second moment. Default 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay of matrices. Default 0.1.</summary>
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Gradients of a path are scaled down to this global norm; 0 switches clipping off. Default 1.</summary>
    public double ClipNorm { get; init; } = 1.0;
}
