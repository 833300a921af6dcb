using System.Collections.Immutable;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a drift task reports, with d_i = θ_i − θ_base.</summary>
/// <param name="FromBase">‖d_i‖ / ‖θ_base‖ of each module.</param>
/// <param name="Distance">‖θ_i − θ_j‖ / ‖θ_base‖ of each pair, row by row.</param>
/// <param name="Cosine">Cosine between d_i and d_j of each pair, row by row; 0 where one has not moved.</param>
public sealed record DriftMetrics(ImmutableArray<double> FromBase, ImmutableArray<double> Distance, ImmutableArray<double> Cosine);
