using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>All that a run has to remember of its phases. What was made before and between them is the recipe's, in its journal.</summary>
/// <param name="Run">Its name.</param>
public sealed record RunRecord(RunId Run)
{
    /// <summary>What it does.</summary>
    public RunStage Stage { get; init; }

    /// <summary>What it goes on with after a pause or a failure.</summary>
    public RunStage Resumes { get; init; }

    /// <summary>Since when it does what it does.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>Why it cannot go on; null: it can.</summary>
    public string? Failure { get; init; }

    /// <summary>The segment, the last one between two of them; null before the first.</summary>
    public Segment? Segment { get; init; }

    /// <summary>Number of the present orders; 0: none were given.</summary>
    public long OrderNumber { get; init; }

    /// <summary>Orders of the paths in the present segment.</summary>
    public ImmutableSortedDictionary<PathId, PathOrder> PathOrders { get; init; } = ImmutableSortedDictionary<PathId, PathOrder>.Empty;

    /// <summary>Orders of the modules in the present segment.</summary>
    public ImmutableSortedDictionary<ModuleId, ModuleOrder> ModuleOrders { get; init; } = ImmutableSortedDictionary<ModuleId, ModuleOrder>.Empty;

    /// <summary>Paths that have not acknowledged the present order, or the deletion.</summary>
    public ImmutableSortedSet<PathId> UnheardPaths { get; init; } = [];

    /// <summary>Modules that have not acknowledged the present order, or the deletion.</summary>
    public ImmutableSortedSet<ModuleId> UnheardModules { get; init; } = [];

    /// <summary>Number of what it wants of its tasks.</summary>
    public long StandingNumber { get; init; }

    /// <summary>The number that the dispatcher has acknowledged.</summary>
    public long StandingHeard { get; init; }

    /// <summary>The phase that ends next.</summary>
    public Phase Phase { get; init; }

    /// <summary>All modules after the last phase that has ended.</summary>
    public ImmutableSortedDictionary<ModuleId, ModuleVersion> Modules { get; init; } = ImmutableSortedDictionary<ModuleId, ModuleVersion>.Empty;

    /// <summary>All paths after the last phase that has ended.</summary>
    public ImmutableSortedDictionary<PathId, PathPosition> Paths { get; init; } = ImmutableSortedDictionary<PathId, PathPosition>.Empty;

    /// <summary>Phases that have begun to end, by number: without a global barrier there may be several.</summary>
    public ImmutableSortedDictionary<int, OpenPhase> Open { get; init; } = ImmutableSortedDictionary<int, OpenPhase>.Empty;

    /// <summary>Phases that have ended.</summary>
    public ImmutableArray<PhaseLedger> Ledger { get; init; } = [];
}
