using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>What a run wants of a module: a segment, and which paths contribute to each version.</summary>
/// <param name="Number">Grows with each order of the run.</param>
/// <param name="Segment">The phases.</param>
/// <param name="Start">The module at their start; its version is the segment's first phase.</param>
/// <param name="Expected">For each phase of the segment the paths through the module that have a turn in it, in order of their ids; none: the module stays as it is.</param>
/// <param name="Subscribers">All paths through the module: they are told of each version.</param>
/// <param name="Adopts">Whether the module makes no outer step, but takes over what its only path brings.</param>
public sealed record ModuleOrder(
    long Number, Segment Segment, ModuleVersion Start, ImmutableArray<ImmutableArray<PathId>> Expected, ImmutableArray<PathId> Subscribers, bool Adopts)
{
    /// <summary>Contributions of how many paths are folded together, while others are on their way; 0: none are.</summary>
    public int FoldPaths { get; init; }

    /// <summary>The paths that contribute in a phase of the segment.</summary>
    public ImmutableArray<PathId> ExpectedIn(Phase phase) => Expected[phase.Value - Segment.First.Value];

    /// <summary>
    /// How many of a phase's contributions are folded, in groups of <see cref="FoldPaths"/> neighbors in the order of path ids: all but the last
    /// group, which the outer step itself takes. Who comes when plays no part, so that a run that is continued makes the same tasks.
    /// </summary>
    public int FoldedIn(Phase phase)
    {
        int paths = ExpectedIn(phase).Length;
        return FoldPaths == 0 || paths == 0 || Adopts ? 0 : (paths - 1) / FoldPaths * FoldPaths;
    }
}
