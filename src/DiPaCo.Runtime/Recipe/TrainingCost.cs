using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>What a model took to make.</summary>
/// <param name="Training">What was trained for it, the base model included: the steps of one path, with the tokens and FLOPs of all.</param>
/// <param name="RoutingFlops">Floating-point operations of the routers that it needs: features, clusters, documents scored under the paths, a router's own training; 0 for a dense model.</param>
internal sealed record TrainingCost(TrainMetrics Training, double RoutingFlops)
{
    /// <summary>Of a dense model, which needs no router.</summary>
    public static TrainingCost Of(DenseModel model) => new(model.Training, 0);

    /// <summary>The same with another router on top.</summary>
    public TrainingCost WithRouter(double flops) => this with { RoutingFlops = RoutingFlops + flops };
}
