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
    public static RowRun Of(long seed, string folder, RunResults results)
    {
        EvaluationRow routed = results.Evaluation[0];
        EvaluationRow start = results.Evaluation.FirstOrDefault(row => row.Kind == ModelKind.DenseBase) ?? routed;
        int phases = results.Validation.Select(point => point.Phase.Value + 1).DefaultIfEmpty(1).Max();
        return new RowRun(
            seed, folder, results.ModelDigest, results.Timings.Sum(time => time.Elapsed.TotalSeconds),
            results.Shards.Min(shard => shard.Documents), results.Shards.Max(shard => shard.Documents),
            results.Evaluation,
            [
                .. results.Validation.Select(point =>
                {
                    double share = (point.Phase.Value + 1.0) / phases;
                    return new CurvePoint(
                        start.Steps + (share * (routed.Steps - start.Steps)),
                        start.TrainingFlops + (share * (routed.TrainingFlops - start.TrainingFlops)), point.Perplexity);
                }),
            ]);
    }
}
