namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>routing</c>.</summary>
internal static class RoutingSection
{
    public static RoutingOptions Read(SectionReader section)
    {
        RoutingOptions defaults = new();
        RoutingOptions options = new()
        {
            Method = section.Word("method", defaults.Method, "How documents become shards: kmeans on the base model's features, or random."),
            PrefixTokens = section.Count("prefix_tokens", defaults.PrefixTokens, new Bounds(1, 1_048_576), "Tokens of a document that choose its path."),
            Restarts = section.Count("restarts", defaults.Restarts, new Bounds(1, 1_000), "Independent starts of k-means; the best is kept."),
            Iterations = section.Count("iterations", defaults.Iterations, new Bounds(1, 100_000), "Iterations of k-means at most."),
            MinimumShare = section.Number("minimum_share", defaults.MinimumShare, new Interval(0, 1), "Smallest shard, as a share of the mean shard."),
        };
        section.Finish();
        return options;
    }
}
