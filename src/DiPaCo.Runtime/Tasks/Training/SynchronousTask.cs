using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="SynchronousSpec"/>.</summary>
/// <param name="spec">The task.</param>
/// <param name="shards">Token chunks of each path.</param>
/// <param name="time">For progress only.</param>
internal sealed class SynchronousTask(SynchronousSpec spec, IReadOnlyList<TokenCorpus> shards, TimeProvider time)
{
    /// <summary>Makes the steps.</summary>
    /// <param name="grid">All modules, with their parameters; changed in place.</param>
    /// <param name="model">Buffers for one path at a time.</param>
    /// <param name="optimizer">The optimizer of <paramref name="grid"/>.</param>
    /// <param name="progress">Is told of every path of every step.</param>
    /// <param name="cancellationToken">Ends the task after the current path.</param>
    public TrainMetrics Execute(
        ModuleGrid grid, PathModel model, AdamW optimizer, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        ShardBatches[] batches = [.. spec.Paths.Select((path, p) => spec.Sequences.BatchesOf(shards[p], spec.Seed, path.Path, spec.BatchSequences))];
        Batch batch = batches[0].NewBatch();
        TrainMetrics sums = TrainMetrics.None;
        for (int step = 0; step < spec.Steps; step++)
        {
            double learningRate = spec.Schedule.At(spec.ScheduleStep + step);
            double losses = 0;
            for (int p = 0; p < spec.Paths.Length; p++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long start = time.GetTimestamp();
                batches[p].Fill(spec.FirstStep + step, batch);
                grid.Load(spec.Paths[p].Modules, model);
                model.Parameters.ClearGradients();
                double loss = model.Accumulate(batch.Tokens.Span, batch.Targets.Span, batch.Length, 1.0 / batch.ScoredTargets) / batch.ScoredTargets;
                double norm = AddGradient(spec.Paths[p], loss, optimizer.Steps + 1);
                losses += loss;

                double flops = model.Shape.TrainingFlopsPerToken(batch.Length) * batch.Rows * batch.Length;
                sums += new TrainMetrics(1, loss, batch.ScoredTargets, flops, batch.Rows);
                progress?.Report(new TaskStep(sums.Steps, (long)spec.Steps * spec.Paths.Length, new TrainingStep(
                    loss, learningRate, norm, batch.ScoredTargets, flops, time.GetElapsedTime(start), TimeSpan.Zero)));
            }

            optimizer.Step(learningRate, losses / spec.Paths.Length);
        }

        return sums;

        double AddGradient(SynchronousPath path, double loss, long number)
        {
            try
            {
                return grid.AddGradient(path.Modules, path.Weights, model, spec.AdamW.ClipNorm, loss);
            }
            catch (NonFiniteStepException exception)
            {
                throw new NonFiniteStepException($"Step {number} of path {path.Path} was not made. {exception.Message}");
            }
        }
    }
}
