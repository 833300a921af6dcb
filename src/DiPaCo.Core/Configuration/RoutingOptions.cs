using System.Text.Json.Serialization;

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

    /// <summary>
    /// Documents of a mini-batch of k-means, for features that do not fit into memory; 0: every iteration reads all of them. At least
    /// 64 when not 0. Default 0.
    /// </summary>
    public int BatchRows { get; init; }

    /// <summary>
    /// Which cluster becomes which path. Default none, as in the paper; only where every path has a cluster of its own
    /// (kmeans, balanced_kmeans).
    /// </summary>
    public ClusterOrder Placement { get; init; } = ClusterOrder.None;

    /// <summary>
    /// What is done to features before they are clustered. Default standardized, each dimension by its deviation; the paper clusters them as they
    /// are. The classifier of a discriminative round standardises for itself, unless it is drawn towards a router of clusters, whose preprocessing it takes over.
    /// </summary>
    /// <remarks>Left out where it is standardized: so runs that were begun before there was a choice go on.</remarks>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public FeatureScaling Scaling { get; init; }

    /// <summary>Smallest shard as a share of the mean shard; smaller clusters are refilled with the nearest documents. 0 to 1. Default 0.1.</summary>
    public double MinimumShare { get; init; } = 0.1;

    /// <summary>
    /// Largest training shard as a multiple of the mean shard, at least 1. Default null: as large as it comes; with balanced_kmeans: 1.
    /// </summary>
    public double? CapacityFactor { get; init; }

    /// <summary>Which documents leave a shard that is above its capacity. Default capacity.</summary>
    public ShardBalance Balance { get; init; } = ShardBalance.Capacity;

    /// <summary>
    /// Shards that each training document goes to, its best ones; held-out documents go to one. 1 to the number of paths. Default 1, a
    /// partition (paper §2.4.4: 2 for 256 paths).
    /// </summary>
    public int Overlap { get; init; } = 1;

    /// <summary>These options with everything at its default that only shards depend on: what a router is fitted with.</summary>
    public RoutingOptions OfRouter()
    {
        RoutingOptions defaults = new();
        return this with
        {
            MinimumShare = defaults.MinimumShare,
            CapacityFactor = defaults.CapacityFactor,
            Balance = defaults.Balance,
            Overlap = defaults.Overlap,
        };
    }

    /// <summary>The capacity that training shards have in the end.</summary>
    public double? EffectiveCapacityFactor() => CapacityFactor ?? (Method == RoutingMethod.BalancedKMeans ? 1 : null);
}
