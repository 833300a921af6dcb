using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Dense models of one path's size, so of equal inference cost: at equal steps, and at equal total training FLOPs.
/// They see all documents. From the fork on they have the learning rates of the paths, stage by stage, stretched
/// over as many steps as they make (where all paths take part in every phase, not at all at equal steps); from scratch the base model's, stretched.
/// </summary>
/// <param name="session">The run.</param>
/// <param name="dense">Trains them.</param>
/// <param name="steps">How many steps each makes; 0: none of its kind.</param>
internal sealed class DenseBaselines(RunSession session, DenseTrainer dense, StepCounts steps)
{
    /// <summary>Trains the baselines that are asked for.</summary>
    /// <param name="initial">Parameters before any training.</param>
    /// <param name="baseModel">The base model at the fork.</param>
    /// <param name="baseSchedule">Its learning rates, which a baseline from scratch stretches over all its steps.</param>
    /// <param name="cancellationToken">Ends the training after the current step.</param>
    public async Task<ImmutableArray<DenseModel>> TrainAsync(
        BlobHash initial, DenseModel baseModel, LearningRateSchedule baseSchedule, CancellationToken cancellationToken)
    {
        (ModelKind Kind, long Steps)[] plan =
        [
            .. new (ModelKind Kind, long Steps)[] { (ModelKind.DenseEqualSteps, steps.DenseEqualSteps), (ModelKind.DenseEqualFlops, steps.DenseEqualFlops) }
                .Where(baseline => baseline.Steps > 0),
        ];
        if (plan.Length == 0)
        {
            return [];
        }

        PhasePlan phases = PhasePlan.Of(session.Config);
        bool fromBase = session.Config.Evaluation.DenseStart == DenseStart.Fork;
        return await session.StageAsync(Stage.Dense, plan.Sum(baseline => baseline.Steps), "steps", async () =>
        {
            StageCount done = new();
            ImmutableArray<DenseModel> baselines = await session.ForEachAsync(
                plan,
                async (baseline, token) =>
                {
                    int total = checked((int)baseline.Steps);
                    LearningRateSchedule[] schedules = fromBase
                        ? [.. phases.Over(total).Select(part => new LearningRateSchedule(part.Stage.LearningRate, part.Stage.WarmupSteps, part.Steps, session.Config.Inner.FinalShare))]
                        : [baseSchedule with { TotalSteps = total }];
                    DenseModel model = await dense.TrainAsync(baseline.Kind, fromBase ? baseModel.Parameters : initial, schedules, done, token);
                    return fromBase ? model with { Training = baseModel.Training + model.Training } : model;
                },
                cancellationToken);
            return (baselines, $"{plan.Sum(baseline => baseline.Steps):N0} steps");
        });
    }
}
