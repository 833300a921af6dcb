using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>Stages of a run (paper Algorithm 1).</summary>
public sealed record RecipeOptions
{
    /// <summary>
    /// Folder of a checkpoint of Hugging Face's Llama layout that the base model starts from; null: it starts from fresh parameters.
    /// </summary>
    public string? BaseModel { get; init; }

    /// <summary>AdamW steps of the dense base model on all data, before the fork; 0 forks the first, untrained parameters.</summary>
    public required int BaseSteps { get; init; }

    /// <summary>Phases T after the fork; at least 1.</summary>
    public required int Phases { get; init; }

    /// <summary>Inner steps τ of one path in one phase; at least 1. With <see cref="Stages"/>, those of the first.</summary>
    public required int InnerSteps { get; init; }

    /// <summary>Runs of phases with an own τ and learning rate; empty: one, of <see cref="Phases"/> phases. <see cref="Phases"/> is their sum.</summary>
    public ImmutableArray<PhaseStage> Stages { get; init; } = [];

    /// <summary>What happens between two outer steps: phases of AdamW on each path (paper Algorithm 1), or one AdamW step on each module. Default phases.</summary>
    public TrainingMode Training { get; init; } = TrainingMode.Phases;

    /// <summary>
    /// Paths that take part in a phase, drawn without repetition until all had their turn (paper §2.6.2); 0: all of them. A path's steps, its
    /// batches and AdamW's moments are its own and go on where its last turn ended. The learning rate is the phase's: a path whose first turn comes
    /// late has no warm-up of its own, and begins with moments of zero at whatever rate the others have by then.
    /// </summary>
    public int PathsPerPhase { get; init; }

    /// <summary>
    /// Whether a path that does worse on the validation documents of its own shard than after an earlier phase, by more than
    /// <see cref="EarlyStoppingMargin"/>, is served as it was then (paper §2.7). Training goes on for all. Default false.
    /// </summary>
    public bool EarlyStopping { get; init; }

    /// <summary>By how many standard errors of the difference it must do worse; 0: by anything at all, as in the paper. Default 1.</summary>
    public double EarlyStoppingMargin { get; init; } = 1;

    /// <summary>Sequences of one step; at least 1.</summary>
    public required int BatchSequences { get; init; }

    /// <summary>Sequences computed at once; divides the batch into parts whose gradients add up. It is part of every task, so the bytes do not depend on the worker.</summary>
    public required int MicroBatchSequences { get; init; }

    /// <summary>Whether training counts the loss of the routing prefix (paper Figure 3) or not (§2.4). Default true.</summary>
    public bool LossOnPrefix { get; init; } = true;

    /// <summary>Past phases whose blobs are kept besides the newest; at least 1. Default 2.</summary>
    public int KeepPhases { get; init; } = 2;
}
