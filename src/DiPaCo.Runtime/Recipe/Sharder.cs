using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Documents to paths (paper §2.4): features under the base model, a router fitted on them, one shard a path.</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="corpus">The corpus.</param>
internal sealed class Sharder(RunSession session, ModelTopology topology, PreparedCorpus corpus)
{
    private double _featureFlops;

    /// <summary>Features of every document, from the base model as it was at the fork and never from a later one.</summary>
    public async Task<ImmutableArray<BlobHash>> FeaturesAsync(PathInput baseModel, CancellationToken cancellationToken)
    {
        int prefix = session.Config.Routing.PrefixTokens;
        long perChunk = corpus.Summary.Documents / corpus.Chunks.Length;
        StageCount count = new();
        ImmutableArray<TaskResult> results = await session.ForEachAsync(
            corpus.Chunks,
            (chunk, token) => session.RunAsync(new FeaturesSpec(baseModel, chunk, prefix), Stage.Features, count, _ => perChunk, token),
            cancellationToken);
        _featureFlops = results.Sum(TaskFlops.Of);
        return [.. results.Select(result => result[FeaturesSpec.Output])];
    }

    /// <summary>The first router, and with it the shards.</summary>
    public async Task<RoutedCorpus> ShardAsync(ImmutableArray<BlobHash> features, CancellationToken cancellationToken)
    {
        RoutingOptions options = session.Config.Routing;
        TaskResult fitted = await session.RunAsync(
            new RouterSpec(corpus.Chunks, features, topology.Paths, topology.Grid.Experts, topology.Grid.Replicas, options.OfRouter(), session.Config.Seed), Stage.Shards, new StageCount(0), _ => 1, cancellationToken);
        BlobHash router = fitted[RouterSpec.Output];
        TaskResult sharded = await session.RunAsync(Spec(router, features, options.EffectiveCapacityFactor()), Stage.Shards, new StageCount(1), _ => 1, cancellationToken);
        return Read(router, router, features, sharded) with { Flops = _featureFlops + TaskFlops.Of(fitted) };
    }

    /// <summary>
    /// The shards that another router makes, which takes the place of the clusters: only a capacity that is stated bounds them, not that of balanced
    /// k-means. What that router took is the caller's to add.
    /// </summary>
    public async Task<RoutedCorpus> ReshardAsync(BlobHash router, RoutedCorpus before, CancellationToken cancellationToken) =>
        Read(router, before.FirstRouter, before.Features, await session.Tasks.RunAsync(Spec(router, before.Features, session.Config.Routing.CapacityFactor), null, cancellationToken));

    private ShardSpec Spec(BlobHash router, ImmutableArray<BlobHash> features, double? capacityFactor)
    {
        RoutingOptions options = session.Config.Routing;
        return new ShardSpec(
            router, corpus.Chunks, features, topology.Paths, options.MinimumShare, options.PrefixTokens, session.Config.Recipe.LossOnPrefix)
        {
            CapacityFactor = capacityFactor,
            Balance = options.Balance,
            Overlap = options.Overlap,
        };
    }

    private static RoutedCorpus Read(BlobHash router, BlobHash first, ImmutableArray<BlobHash> features, TaskResult sharded)
    {
        ShardMetrics metrics = JsonSerializer.Deserialize<ShardMetrics>(sharded.Metrics, TaskJson.Options)!;
        return new RoutedCorpus(
            router, features,
            metrics.Paths.ToImmutableSortedDictionary(
                size => size.Path,
                size => Enumerable.Range(0, size.Chunks).Select(chunk => sharded[ShardSpec.Output(size.Path, chunk)]).ToImmutableArray()),
            metrics.Paths)
        {
            FirstRouter = first,
        };
    }
}
