using System.Collections.Immutable;

namespace DiPaCo.Runtime.Rules;

/// <summary>The fold that a module needs: what its task's specification is made of.</summary>
/// <param name="Start">The version that the phase started from.</param>
/// <param name="Before">What was folded before; null: nothing.</param>
/// <param name="Contributions">The group, in order of path ids.</param>
public sealed record NeededFold(ModuleVersion Start, FoldedGroups? Before, ImmutableArray<PathContribution> Contributions);
