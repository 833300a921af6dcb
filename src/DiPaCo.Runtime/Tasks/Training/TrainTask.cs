using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="TrainSpec"/>: the inner loop of paper Algorithm 1.</summary>
/// <param name="spec">The task.</param>
/// <param name="shard">The path's token chunks.</param>
/// <param name="time">For progress only.</param>
internal sealed class TrainTask(TrainSpec spec, TokenCorpus shard, TimeProvider time)
{
    private const int BatchesAhead = 3;

    public TrainOutcome Execute(PathModel model, string? optimizerFile, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        AdamW? adamW = new(model, spec.AdamW);
        try
        {
            TrainOutcome outcome = Execute(model, adamW, optimizerFile, progress, cancellationToken);
            adamW = null;
            return outcome;
        }
        finally
        {
            adamW?.Dispose();
        }
    }

    private TrainOutcome Execute(
        PathModel model, AdamW adamW, string? optimizerFile, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        if (optimizerFile is not null)
        {
            adamW.Load(optimizerFile);
        }

        ShardBatches batches = new(
            shard,
            Shard.Of(shard, shard.Documents(Split.Train)),
            new SequenceOptions(spec.Sequences.Length, spec.Sequences.PrefixTokens, spec.Sequences.LossOnPrefix),
            new ShardOrderOptions(spec.Seed, new PathId((int)spec.Order), spec.BatchSequences, spec.Sequences.LengthWindow));
        using BatchPrefetcher prefetcher = new(batches, new StepRange(spec.FirstStep, spec.FirstStep + spec.Steps), BatchesAhead, time);
        TrainMetrics sums = TrainMetrics.None;
        model.Parameters.ClearGradients();
        for (int step = spec.FirstStep; step < spec.FirstStep + spec.Steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long start = time.GetTimestamp();
            TimeSpan waited = prefetcher.Waited;
            Batch batch = prefetcher.Take(cancellationToken);
            waited = prefetcher.Waited - waited;

            double sum = model.Accumulate(batch.Tokens.Span, batch.Targets.Span, batch.Length, 1.0 / batch.ScoredTargets);
            double loss = sum / batch.ScoredTargets;
            double learningRate = spec.Schedule.At(spec.ScheduleStep + step - spec.FirstStep);
            double norm = adamW.Step(learningRate, loss);

            double flops = model.Shape.TrainingFlopsPerToken(batch.Length) * batch.Rows * batch.Length;
            sums += new TrainMetrics(1, loss, batch.ScoredTargets, flops, batch.Rows);
            progress?.Report(new TaskStep(sums.Steps, spec.Steps, new TrainingStep(
                loss, learningRate, norm, batch.ScoredTargets, flops, time.GetElapsedTime(start), waited)));
        }

        return new TrainOutcome(model, adamW, sums);
    }
}
