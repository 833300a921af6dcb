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

    private ShardBatches? _batches;

    /// <summary>Makes steps until the last one, the limit, or a moment at which the state is to be kept.</summary>
    /// <param name="model">The path, loaded.</param>
    /// <param name="start">Where it stands.</param>
    /// <param name="limit">How far to go.</param>
    /// <param name="progress">Is told of each step.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    public TrainOutcome Execute(PathModel model, TrainStart start, StepLimit limit, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        AdamW? adamW = new(model, spec.AdamW);
        try
        {
            if (start.Optimizer is { } moments)
            {
                adamW.Load(moments);
            }

            int first = spec.FirstStep + (int)start.Made.Steps;
            StepRange call = new(first, Math.Min(spec.FirstStep + spec.Steps, first + StepsWithin(limit, spec.Steps - start.Made.Steps)));
            TrainOutcome outcome = Execute(model, adamW, start.Made, call, limit, progress, cancellationToken);
            adamW = null;
            return outcome;
        }
        finally
        {
            adamW?.Dispose();
        }
    }

    /// <summary>Goes on after a state was kept, within the same limit.</summary>
    /// <param name="paused">Where it stands; what this returns takes its place.</param>
    /// <param name="limit">How far to go.</param>
    /// <param name="progress">Is told of each step.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    public TrainOutcome GoOn(TrainOutcome paused, StepLimit limit, IProgress<TaskStep>? progress, CancellationToken cancellationToken) =>
        Execute(paused.Model, paused.AdamW, paused.Metrics, paused.Call, limit, progress, cancellationToken);

    private TrainOutcome Execute(
        PathModel model, AdamW adamW, TrainMetrics sums, StepRange call, StepLimit limit, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        // Made once: a task that is paused for its state to be kept does not list its shard's sequences again.
        _batches ??= spec.Sequences.BatchesOf(shard, spec.Seed, new PathId((int)spec.Order), spec.BatchSequences);
        int first = spec.FirstStep + (int)sums.Steps;
        using BatchPrefetcher prefetcher = new(_batches, call with { Start = first }, BatchesAhead, time);
        model.Parameters.ClearGradients();
        for (int step = first; step < call.End; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (limit.Stop.IsCancellationRequested)
            {
                if (step == call.Start || step - call.Start < limit.WorthSaving * spec.Steps)
                {
                    throw new OperationCanceledException(limit.Stop);
                }

                return new TrainOutcome(model, adamW, sums, spec, call);
            }

            if (step > first && limit.Checkpoints is { IsDue: true })
            {
                return new TrainOutcome(model, adamW, sums, spec, call) { IsPaused = true };
            }

            long begun = time.GetTimestamp();
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
                loss, learningRate, norm, batch.ScoredTargets, flops, time.GetElapsedTime(begun), waited)));
        }

        return new TrainOutcome(model, adamW, sums, spec, call);
    }

    private static int StepsWithin(StepLimit limit, long left) => (int)Math.Clamp(Math.Ceiling(limit.Share * left), 1, left);
}
