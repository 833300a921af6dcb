namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>routing</c>.</summary>
internal static class RoutingSection
{
    public static RoutingOptions Read(SectionReader section)
    {
        RoutingOptions defaults = new();
        RoutingOptions options = new()
        {
            Method = section.Word("method", defaults.Method, "How documents become shards: on the base model's features kmeans, product_kmeans, residual_kmeans or balanced_kmeans; or random."),
            PrefixTokens = section.Count("prefix_tokens", defaults.PrefixTokens, new Bounds(1, 1_048_576), "Tokens of a document that choose its path."),
            Restarts = section.Count("restarts", defaults.Restarts, new Bounds(1, 1_000), "Independent starts of k-means; the best is kept."),
            Iterations = section.Count("iterations", defaults.Iterations, new Bounds(1, 100_000), "Iterations of k-means at most."),
            BatchRows = section.Count("batch_rows", defaults.BatchRows, new Bounds(0, 1 << 24), "Documents of a mini-batch of k-means; 0: every iteration reads all of them."),
            Scaling = section.Word("scaling", defaults.Scaling, "What is done to features before they are clustered: standardized, each dimension by its deviation, or none, as in the paper."),
            Placement = section.Word("placement", defaults.Placement, "Which cluster becomes which path: none, as they were found, or grouped, so that paths of one expert are alike."),
            MinimumShare = section.Number("minimum_share", defaults.MinimumShare, new Interval(0, 1), "Smallest shard, as a share of the mean shard."),
            CapacityFactor = section.OptionalNumber("capacity_factor", defaults.CapacityFactor, new Interval(1, 1_000_000), "Largest training shard, as a multiple of the mean shard, before overlap; none: as large as it comes (with balanced_kmeans: 1)."),
            Balance = section.Word("balance", defaults.Balance, "Which documents leave a shard above its capacity: capacity, those that lose least by it, or greedy, those with the lowest scores."),
            Overlap = section.Count("overlap", defaults.Overlap, new Bounds(1, TopologySection.MostPaths), "Shards that each training document goes to, its best ones."),
        };
        Check(section, options);
        section.Finish();
        return options;
    }

    private static void Check(SectionReader section, RoutingOptions options)
    {
        const int leastBatch = 64;
        if (options.BatchRows is > 0 and < leastBatch)
        {
            section.Conflict("batch_rows", $"{options.BatchRows} documents are too few for a mini-batch; expected 0 or at least {leastBatch}.");
        }

        if (options.Scaling != FeatureScaling.Standardized && !options.Method.UsesFeatures())
        {
            section.Conflict("scaling", $"routing.method {Words<RoutingMethod>.Of(options.Method)} looks at no features; expected no routing.scaling, or another method.");
        }

        if (options.Placement != ClusterOrder.None && !options.Method.HasClusterOfEachPath())
        {
            section.Conflict("placement", $"with routing.method {Words<RoutingMethod>.Of(options.Method)} no path has a cluster that could be placed; expected no routing.placement, or the method kmeans or balanced_kmeans.");
        }

        if (options.Balance != ShardBalance.Capacity && options.EffectiveCapacityFactor() is null)
        {
            section.Conflict("balance", "without routing.capacity_factor no shard is ever above its capacity; expected one of at least 1, or no routing.balance.");
        }
    }
}
