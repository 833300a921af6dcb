using System.Text.Json.Serialization;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What an outer step reports.</summary>
/// <param name="Norm">Norm of the outer gradient Δ, before rescaling.</param>
/// <param name="DeltaNorm">Weighted mean of the norms of the paths' deltas Δ_i.</param>
/// <param name="Cosine">Mean cosine between the deltas of the paths through the module (<see cref="Training.DeltaAgreement"/>); null for one path.</param>
public sealed record OuterMetrics(double Norm, double DeltaNorm, double? Cosine)
{
    /// <summary>Bytes that travel to a path that has what was published before; null: what it trains from is the module itself.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? PublishedBytes { get; init; }
}
