namespace DiPaCo.Core.Configuration;

/// <summary>How documents become shards (paper §2.4).</summary>
public sealed record RoutingOptions
{
    /// <summary>How the first shards are made.</summary>
    public RoutingMethod Method { get; init; } = RoutingMethod.KMeans;

    /// <summary>Tokens of a document that choose its path. Default 32.</summary>
    public int PrefixTokens { get; init; } = 32;

    /// <summary>Independent starts of k-means; the best is kept. Default 4.</summary>
    public int Restarts { get; init; } = 4;

    /// <summary>Iterations of k-means at most. Default 50.</summary>
    public int Iterations { get; init; } = 50;

    /// <summary>Smallest shard as a share of the mean shard; smaller clusters are refilled with the nearest documents. 0 to 1. Default 0.1.</summary>
    public double MinimumShare { get; init; } = 0.1;
}
