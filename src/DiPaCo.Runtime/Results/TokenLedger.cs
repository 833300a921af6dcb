using System.Collections.Immutable;

namespace DiPaCo.Runtime;

/// <summary>What each path of a run has learned from, phase by phase, exactly once: read from the run's journal and checked against the tasks in it.</summary>
/// <param name="Name">Name of the run.</param>
/// <param name="Phases">The phases that have ended.</param>
public sealed record TokenLedger(string Name, ImmutableArray<PhaseConsumption> Phases)
{
    /// <summary>What does not agree: a task that counts twice, or whose own numbers are others. Empty: all is as it must be.</summary>
    public ImmutableArray<string> Contradictions { get; init; } = [];

    /// <summary>Scored tokens of all paths and phases.</summary>
    public long Tokens => Phases.Sum(phase => phase.Paths.Sum(path => path.Tokens));

    /// <summary>Whether nothing was lost or made twice, and nothing contradicts.</summary>
    public bool IsBalanced => Contradictions.IsEmpty && Phases.All(phase => phase.LostSteps + phase.DuplicatedSteps == 0);
}
