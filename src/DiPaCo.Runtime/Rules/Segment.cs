using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>A stretch of phases between two re-shardings. Paths and modules run through it without meeting anybody but each other.</summary>
/// <param name="First">The first phase; it starts from the modules' version of the same number.</param>
/// <param name="End">The phase after the last: the version at which the modules come to rest.</param>
public sealed record Segment(Phase First, Phase End)
{
    /// <summary>Whether a phase is one of it.</summary>
    public bool Contains(Phase phase) => phase.Value >= First.Value && phase.Value < End.Value;
}
