using DiPaCo.Core;
using DiPaCo.Core.Configuration;
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
        using AdamW adamW = new(model, Options());
        if (optimizerFile is not null)
        {
            Restore(adamW, OptimizerFile.Read(optimizerFile, model.Parameters.Segments.Select(segment => (segment.Module, (int)segment.Length))));
        }

        ShardBatches batches = new(
            shard,
            Shard.Of(shard, shard.Documents(Split.Train)),
            new SequenceOptions(spec.Sequences.Length, spec.Sequences.PrefixTokens, spec.Sequences.LossOnPrefix),
            new ShardOrderOptions(spec.Seed, new PathId((int)spec.Order), spec.BatchSequences, spec.Sequences.LengthWindow));
        using BatchPrefetcher prefetcher = new(batches, new StepRange(spec.FirstStep, spec.FirstStep + spec.Steps), BatchesAhead, time);
        List<double> losses = [];
        List<double> norms = [];
        List<long> tokens = [];
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
            double learningRate = spec.Schedule.At(step);
            double norm = adamW.Step(learningRate, loss);

            losses.Add(loss);
            norms.Add(norm);
            tokens.Add(batch.ScoredTargets);
            progress?.Report(new TaskStep(losses.Count, spec.Steps, new TrainingStep(
                loss, learningRate, norm, batch.ScoredTargets,
                model.Shape.TrainingFlopsPerToken(batch.Length) * batch.Rows * batch.Length, time.GetElapsedTime(start), waited)));
        }

        return TrainOutcome.Of(model, adamW, new TrainMetrics([.. losses], [.. norms], [.. tokens]));
    }

    private InnerOptimizerOptions Options() => new()
    {
        LearningRate = spec.Schedule.Peak,
        WarmupSteps = spec.Schedule.WarmupSteps,
        BaseLearningRate = spec.Schedule.Peak,
        BaseWarmupSteps = spec.Schedule.WarmupSteps,
        Beta1 = spec.AdamW.Beta1,
        Beta2 = spec.AdamW.Beta2,
        Epsilon = spec.AdamW.Epsilon,
        WeightDecay = spec.AdamW.WeightDecay,
        ClipNorm = spec.AdamW.ClipNorm,
    };

    private static void Restore(AdamW adamW, OptimizerFile state)
    {
        adamW.Steps = state.Steps;
        foreach (ModuleMoments module in state.Modules)
        {
            adamW.WriteMoments(module.Id, module.Moment1, module.Moment2);
        }
    }
}
