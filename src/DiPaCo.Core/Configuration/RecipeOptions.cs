namespace DiPaCo.Core.Configuration;

/// <summary>Stages of a run (paper Algorithm 1).</summary>
public sealed record RecipeOptions
{
    /// <summary>AdamW steps of the dense base model on all data, before the fork; at least 1.</summary>
    public required int BaseSteps { get; init; }

    /// <summary>Phases T after the fork; at least 1.</summary>
    public required int Phases { get; init; }

    /// <summary>Inner steps τ of one path in one phase; at least 1.</summary>
    public required int InnerSteps { get; init; }

    /// <summary>Sequences of one step; at least 1.</summary>
    public required int BatchSequences { get; init; }

    /// <summary>Sequences computed at once; divides the batch into parts whose gradients add up. It is part of every task, so the bytes do not depend on the worker.</summary>
    public required int MicroBatchSequences { get; init; }

    /// <summary>Whether training counts the loss of the routing prefix (paper Figure 3) or not (§2.4). Default true.</summary>
    public bool LossOnPrefix { get; init; } = true;

    /// <summary>Past phases whose blobs are kept besides the newest; at least 1. Default 2.</summary>
    public int KeepPhases { get; init; } = 2;
}
