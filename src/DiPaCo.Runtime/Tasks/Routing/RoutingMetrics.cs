namespace DiPaCo.Runtime.Tasks;

/// <summary>What features or a fitted router took.</summary>
/// <param name="Flops">Floating-point operations: of the base model over every position, padding included, or of the products of rows with centroids.</param>
public sealed record RoutingMetrics(double Flops);
