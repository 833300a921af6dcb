using System.Collections.Immutable;

namespace DiPaCo.Runtime.Rules;

/// <summary>The outer step that a module needs: what its task's specification is made of.</summary>
/// <param name="Start">The version that the phase started from.</param>
/// <param name="Contributions">Of all its paths with a turn, in order of path ids.</param>
/// <param name="Folded">What the first of them are folded into; null: nothing.</param>
public sealed record NeededOuterStep(ModuleVersion Start, ImmutableArray<PathContribution> Contributions, FoldedGroups? Folded = null);
