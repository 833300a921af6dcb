using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>A phase that has not ended for all paths and modules.</summary>
/// <param name="Reports">What paths have reported.</param>
/// <param name="Versions">What modules have published at its end.</param>
public sealed record OpenPhase(ImmutableSortedDictionary<PathId, PathReport> Reports, ImmutableSortedDictionary<ModuleId, ModuleVersion> Versions)
{
    /// <summary>Nothing yet.</summary>
    public static OpenPhase Empty { get; } =
        new(ImmutableSortedDictionary<PathId, PathReport>.Empty, ImmutableSortedDictionary<ModuleId, ModuleVersion>.Empty);
}
