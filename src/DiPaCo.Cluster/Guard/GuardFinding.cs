using System.Collections.Immutable;

namespace DiPaCo.Cluster;

/// <summary>What the guard at the door has found in a result.</summary>
/// <param name="Invalid">Why it cannot be used, for people; null: it can.</param>
/// <param name="Unreadable">Why it could not be looked at, for which its worker need not be to blame; null: it could.</param>
/// <param name="Norms">‖θ − θ_i‖ of each module that it moves.</param>
internal sealed record GuardFinding(string? Invalid, string? Unreadable, ImmutableArray<ModuleNorm> Norms)
{
    /// <summary>Nothing to object to, and nothing measured.</summary>
    public static GuardFinding Nothing { get; } = new(null, null, []);
}
