using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Trains one dense model on all training documents: the base model before the fork, and the baselines. The steps are cut into
/// tasks of <see cref="TaskSteps"/>, which changes no byte: parameters and AdamW's moments pass from task to task unrounded.
/// </summary>
/// <param name="session">The run.</param>
/// <param name="shape">The transformer.</param>
/// <param name="chunks">All token chunks.</param>
/// <param name="retention">Lets go of every task's start once its end is there.</param>
internal sealed class DenseTrainer(RunSession session, TransformerShape shape, ImmutableArray<BlobHash> chunks, Retention retention)
{
    /// <summary>
    /// Steps of one task, whatever τ is: runs that differ in τ alone have their dense models in common. A killed run makes at most so many again.
    /// </summary>
    public const int TaskSteps = 50;

    /// <summary>The dense model in terms of tasks.</summary>
    public PathInput ModelOf(BlobHash parameters) => ModelOf(shape, session.Config.Transformer.Compute, parameters);

    /// <summary>Any dense model in terms of tasks.</summary>
    public static PathInput ModelOf(TransformerShape shape, ComputeType compute, BlobHash parameters) => new(
        shape, compute,
        [new ModuleInput(ModuleId.Dense, [.. TransformerPart.All(shape.Blocks)], parameters)]);

    /// <summary>Makes the steps of <paramref name="schedules"/> from <paramref name="start"/> on.</summary>
    /// <param name="kind">The base model, or which baseline.</param>
    /// <param name="start">First parameters.</param>
    /// <param name="schedules">Learning rates, one schedule after the other; the total of each is the number of its steps. AdamW's moments go on.</param>
    /// <param name="count">Steps of the stage that are done; several models may share it.</param>
    /// <param name="cancellationToken">Ends the training after the current step; finished tasks are kept.</param>
    public async Task<DenseModel> TrainAsync(
        ModelKind kind, BlobHash start, IReadOnlyList<LearningRateSchedule> schedules, StageCount count, CancellationToken cancellationToken)
    {
        RunConfig config = session.Config;
        DenseModel model = new(kind, start, TrainMetrics.None);
        BlobHash? optimizer = null;
        int first = 0;
        foreach (LearningRateSchedule schedule in schedules)
        {
            for (int step = 0; step < schedule.TotalSteps; step += TaskSteps)
            {
                TrainSpec spec = new()
                {
                    Model = ModelOf(model.Parameters),
                    Optimizer = optimizer,
                    Shard = chunks,
                    Sequences = session.Sequences,
                    BatchSequences = config.Recipe.BatchSequences,
                    FirstStep = first + step,
                    ScheduleStep = step,
                    Steps = Math.Min(TaskSteps, schedule.TotalSteps - step),
                    Schedule = schedule,
                    AdamW = session.AdamW,
                    Seed = config.Seed,
                    Order = OrderOf(kind),
                };
                TaskResult result = await session.TrainAsync(spec, kind, null, null, count, cancellationToken);
                TrainMetrics metrics = TrainMetrics.Of(result);
                IEnumerable<BlobHash> before = new[] { model.Parameters, optimizer ?? start };
                await retention.ReleaseOnlyAsync($"start of {spec.Key()}", before.Where(blob => blob != start), cancellationToken);
                optimizer = result[TrainSpec.OptimizerOutput];
                model = new DenseModel(kind, result[ModuleId.Dense.Name], model.Training + metrics);
            }

            first += schedule.TotalSteps;
        }

        return model;
    }

    /// <summary>
    /// Every dense model has its own order of sequences: with a learning rate that never falls two of them would otherwise be equal for a
    /// while, and the longer one would let go of the shorter one's parameters on its way.
    /// </summary>
    private static long OrderOf(ModelKind kind) => kind switch
    {
        ModelKind.DenseBase => -1,
        ModelKind.DenseEqualSteps => -2,
        ModelKind.DenseEqualFlops => -3,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "A dense model was expected."),
    };
}
