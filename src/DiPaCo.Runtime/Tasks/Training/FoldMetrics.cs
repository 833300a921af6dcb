using System.Collections.Immutable;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a fold reports.</summary>
/// <param name="DeltaSquares">‖θ − θ_i‖² of each contribution of the group, in order of path ids.</param>
public sealed record FoldMetrics(ImmutableArray<double> DeltaSquares);
