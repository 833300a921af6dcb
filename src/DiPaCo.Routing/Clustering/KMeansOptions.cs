namespace DiPaCo.Routing;

/// <summary>How clusters are searched for.</summary>
public sealed record KMeansOptions
{
    /// <summary>Number of clusters k, at least 1.</summary>
    public required int Clusters { get; init; }

    /// <summary>Pseudo-random seed.</summary>
    public required long Seed { get; init; }

    /// <summary>Independent starts; the one with the smallest inertia is kept. At least 1.</summary>
    public int Restarts { get; init; } = 4;

    /// <summary>Iterations of one start at most. At least 1.</summary>
    public int Iterations { get; init; } = 50;

    /// <summary>A start ends when an iteration lowers the inertia by no more than this share.</summary>
    public double Tolerance { get; init; } = 1e-5;

    /// <summary>Threads at most; the result does not depend on it.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Is told of every pass over rows; reaches no result. Null: nobody counts.</summary>
    public RoutingWork? Work { get; init; }

    /// <summary>
    /// Rows among which k-means++ looks for the first centroids, drawn without replacement. k-means++ needs one pass per
    /// centroid, which only rows in memory can afford; at least 64 per cluster are taken.
    /// </summary>
    public int SeedingRows { get; init; } = 16_384;

    /// <summary>
    /// 0: Lloyd's algorithm, every iteration reads all rows. More: mini-batches of so many rows move the centroids, and
    /// <see cref="Iterations"/> counts passes over the rows: for features that are read from disk.
    /// </summary>
    public int BatchRows { get; init; }
}
