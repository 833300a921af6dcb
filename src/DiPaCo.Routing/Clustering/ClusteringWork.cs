namespace DiPaCo.Routing;

/// <summary>Counts what a search for clusters costs: the products of rows with centroids, which are nearly all of it.</summary>
public sealed class ClusteringWork
{
    /// <summary>Floating-point operations so far.</summary>
    public double Flops { get; private set; }

    /// <summary>Counts one comparison of all rows with all centroids.</summary>
    public void Add(int rows, int width, int centroids) => Flops += 2.0 * rows * width * centroids;
}
