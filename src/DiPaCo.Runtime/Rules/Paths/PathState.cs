using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>All that a path has to remember.</summary>
/// <param name="Run">Its run.</param>
/// <param name="Path">Its number.</param>
public sealed record PathState(RunId Run, PathId Path)
{
    /// <summary>What it does.</summary>
    public PathStatus Status { get; init; }

    /// <summary>What it did when it failed.</summary>
    public PathStatus FailedIn { get; init; }

    /// <summary>Since when it does what it does.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>The phase that it waits for, trains, or delivers; where it rests, the segment's end.</summary>
    public Phase Phase { get; init; }

    /// <summary>The run's newest order; null: none came.</summary>
    public PathOrder? Order { get; init; }

    /// <summary>The newest version that it knows of each of its modules.</summary>
    public ImmutableSortedDictionary<ModuleId, ModuleVersion> Modules { get; init; } = ImmutableSortedDictionary<ModuleId, ModuleVersion>.Empty;

    /// <summary>AdamW's moments; null: zeros.</summary>
    public BlobHash? Optimizer { get; init; }

    /// <summary>Steps that it has made, on whatever shard.</summary>
    public long StepsMade { get; init; }

    /// <summary>The training task, while it is computed.</summary>
    public TaskDemand? Task { get; init; }

    /// <summary>What its modules have not acknowledged.</summary>
    public ImmutableArray<PathContribution> Undelivered { get; init; } = [];

    /// <summary>What the run has not recorded, oldest first.</summary>
    public ImmutableArray<PathReport> Unrecorded { get; init; } = [];

    /// <summary>Why it cannot go on; null: it can.</summary>
    public string? Failure { get; init; }

    /// <summary>The last lease of the task that was given up last.</summary>
    public LeaseNumber GivenUpBy { get; init; }

    /// <summary>Whether the run knows that.</summary>
    public bool FailureHeard { get; init; }
}
