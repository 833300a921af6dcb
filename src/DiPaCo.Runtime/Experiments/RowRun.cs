using System.Collections.Immutable;

namespace DiPaCo.Runtime.Experiments;

/// <summary>A finished run of a row.</summary>
/// <param name="Seed">Its pseudo-random seed.</param>
/// <param name="Folder">Its folder.</param>
/// <param name="ModelDigest">Digest of its model.</param>
/// <param name="Seconds">Time that its own tasks took; what it took over from other runs counts there.</param>
/// <param name="SmallestShard">Training documents of its smallest shard.</param>
/// <param name="LargestShard">Training documents of its largest shard.</param>
/// <param name="Evaluation">Its models on held-out documents.</param>
/// <param name="Curve">Its validation perplexity over training.</param>
public sealed record RowRun(
    long Seed, string Folder, string ModelDigest, double Seconds, long SmallestShard, long LargestShard,
    ImmutableArray<EvaluationRow> Evaluation, ImmutableArray<CurvePoint> Curve)
{
    /// <summary>Of a run's results.</summary>
    public static RowRun Of(long seed, string folder, RunResults results) => new(
        seed, folder, results.ModelDigest, results.Timings.Sum(time => time.Elapsed.TotalSeconds),
        results.Shards.Min(shard => shard.Documents), results.Shards.Max(shard => shard.Documents),
        results.Evaluation,
        [.. results.Validation.Select(point => new CurvePoint(point.Steps, point.TrainingFlops + point.RoutingFlops, point.Perplexity))]);
}
