namespace DiPaCo.Routing;

/// <summary>Counts what fitting a router costs: the products of rows with centroids or with a classifier's weights, which are nearly all of it.</summary>
public sealed class RoutingWork
{
    /// <summary>Floating-point operations so far.</summary>
    public double Flops { get; private set; }

    /// <summary>Counts one product of all rows with one vector for each path.</summary>
    /// <param name="rows">Documents.</param>
    /// <param name="width">Features of a document.</param>
    /// <param name="outputs">Centroids or classes.</param>
    public void Add(int rows, int width, int outputs) => Flops += 2.0 * rows * width * outputs;
}
