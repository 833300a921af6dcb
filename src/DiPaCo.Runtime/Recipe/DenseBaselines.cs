using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Dense models of one path's size, so of equal inference cost: at equal steps, and at equal total training FLOPs.
/// They see all documents, with the learning rates that the paths have.
/// </summary>
/// <param name="session">The run.</param>
/// <param name="dense">Trains them.</param>
/// <param name="topology">The model to compare with.</param>
internal sealed class DenseBaselines(RunSession session, DenseTrainer dense, ModelTopology topology)
{
    public async Task<ImmutableArray<DenseBaseline>> TrainAsync(
        BlobHash initial, DenseModel baseModel, LearningRateSchedule baseSchedule, long order, CancellationToken cancellationToken)
    {
        RunConfig config = session.Config;
        EvaluationOptions wanted = config.Evaluation;
        int pathSteps = config.Recipe.Phases * config.Recipe.InnerSteps;
        List<(string Name, int Steps)> plan = [];
        if (wanted.DenseEqualSteps)
        {
            plan.Add(("dense, equal steps", pathSteps));
        }

        if (wanted.DenseEqualFlops && topology.Paths.Length > 1)
        {
            plan.Add(("dense, equal training FLOPs", checked(pathSteps * topology.Paths.Length)));
        }

        if (plan.Count == 0)
        {
            return [];
        }

        bool fromBase = wanted.DenseStart == DenseStart.Fork;
        int before = fromBase ? 0 : config.Recipe.BaseSteps;
        return await session.StageAsync(Stage.Dense, plan.Sum(entry => (long)entry.Steps + before), "steps", async () =>
        {
            ImmutableArray<DenseBaseline>.Builder baselines = ImmutableArray.CreateBuilder<DenseBaseline>();
            long done = 0;
            foreach ((string name, int steps) in plan)
            {
                LearningRateSchedule schedule = fromBase
                    ? new(config.Inner.LearningRate, config.Inner.WarmupSteps, steps, config.Inner.FinalShare)
                    : baseSchedule with { TotalSteps = steps + before };
                BlobHash start = fromBase ? baseModel.Parameters : initial;
                DenseModel model = await dense.TrainAsync(Stage.Dense, start, schedule, order, done, cancellationToken);
                baselines.Add(new DenseBaseline(name, model, fromBase));
                done += schedule.TotalSteps;
            }

            return (baselines.ToImmutable(), $"{done:N0} steps");
        });
    }
}
