using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>All that a module has to remember.</summary>
/// <param name="Run">Its run.</param>
/// <param name="Module">Its name.</param>
public sealed record ModuleState(RunId Run, ModuleId Module)
{
    /// <summary>What it does.</summary>
    public ModuleStatus Status { get; init; }

    /// <summary>Since when.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>The run's newest order; null: none came.</summary>
    public ModuleOrder? Order { get; init; }

    /// <summary>The newest version; null before the first order.</summary>
    public ModuleVersion? Latest { get; init; }

    /// <summary>What paths have brought for the next version.</summary>
    public ImmutableSortedDictionary<PathId, PathContribution> Contributions { get; init; } = ImmutableSortedDictionary<PathId, PathContribution>.Empty;

    /// <summary>What the newest version was made of, to tell a repetition from a contradiction; nothing for the first one.</summary>
    public ImmutableSortedDictionary<PathId, PathContribution> MadeOf { get; init; } = ImmutableSortedDictionary<PathId, PathContribution>.Empty;

    /// <summary>Those of them that are folded; null: none are.</summary>
    public FoldedGroups? Folded { get; init; }

    /// <summary>The outer step or the fold, while it is computed.</summary>
    public TaskDemand? Task { get; init; }

    /// <summary>The newest version that each path has acknowledged.</summary>
    public ImmutableSortedDictionary<PathId, Phase> Heard { get; init; } = ImmutableSortedDictionary<PathId, Phase>.Empty;

    /// <summary>Versions that the run has not recorded, oldest first.</summary>
    public ImmutableArray<ModuleVersion> Unrecorded { get; init; } = [];

    /// <summary>Why it cannot go on; null: it can.</summary>
    public string? Failure { get; init; }

    /// <summary>The last lease of the task that was given up last.</summary>
    public LeaseNumber GivenUpBy { get; init; }

    /// <summary>Whether the run knows that.</summary>
    public bool FailureHeard { get; init; }
}
