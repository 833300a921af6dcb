using System.Collections.Immutable;
using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>What every stage of a run works with.</summary>
/// <param name="config">The run's configuration.</param>
/// <param name="store">The run's blobs.</param>
/// <param name="tasks">Computes or remembers tasks.</param>
/// <param name="observer">Watches.</param>
/// <param name="time">For durations shown to people; reaches no result.</param>
internal sealed class RunSession(RunConfig config, IBlobStore store, TaskRunner tasks, IRunObserver observer, TimeProvider time)
{
    // Measured on short documents: beyond this many batches padding hardly shrinks, and batches become alike.
    public const int LengthWindow = 16;

    public RunConfig Config => config;

    /// <summary>The complete configuration for the report.</summary>
    public required string ConfigurationYaml { get; init; }

    public IBlobStore Store => store;

    public TaskRunner Tasks => tasks;

    public TimeProvider Time => time;

    public SequenceInput Sequences => SequencesOf(config);

    public SequenceInput TestSequences => TestSequencesOf(config);

    /// <summary>How the documents of a run become sequences.</summary>
    public static SequenceInput SequencesOf(RunConfig config) => new(
        config.Transformer.SequenceLength, config.Routing.PrefixTokens, config.Recipe.LossOnPrefix, config.Recipe.MicroBatchSequences,
        LengthWindow);

    /// <summary>How test documents become sequences: perhaps longer ones than in training, fewer of them at once, so that they take the memory that training takes.</summary>
    public static SequenceInput TestSequencesOf(RunConfig config)
    {
        SequenceInput trained = SequencesOf(config);
        int length = config.Evaluation.SequenceLength ?? trained.Length;
        return trained with { Length = length, MicroBatch = (int)Math.Max(1, (long)trained.MicroBatch * trained.Length / length) };
    }

    public AdamWOptions AdamW => new(
        config.Inner.Beta1, config.Inner.Beta2, config.Inner.Epsilon, config.Inner.WeightDecay, config.Inner.ClipNorm);

    /// <summary>The learning rates of a stage after the fork: each begins with a warm-up of its own.</summary>
    public LearningRateSchedule ScheduleOf(PhaseStage stage) =>
        new(stage.LearningRate, stage.WarmupSteps, checked((int)stage.Steps), config.Inner.FinalShare);

    public void Note(string text, bool isWarning = false) => observer.Observe(new RunNote(text, isWarning));

    public void Observe(RunEvent runEvent) => observer.Observe(runEvent);

    /// <summary>Frames a stage with its events.</summary>
    public async Task<T> StageAsync<T>(Stage stage, long units, string unit, Func<Task<(T Result, string Summary)>> body)
    {
        long start = time.GetTimestamp();
        observer.Observe(new StageStarted(stage, units, unit));
        (T result, string summary) = await body();
        TimeSpan elapsed = time.GetElapsedTime(start);
        observer.Observe(new StageFinished(stage, elapsed, summary));
        return result;
    }

    /// <summary>Runs a training task and reports its steps.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="kind">Which model it trains.</param>
    /// <param name="path">The path; null for dense models.</param>
    /// <param name="phase">The phase; null outside phases.</param>
    /// <param name="count">Steps of the stage that are done, all paths together; tasks that may be computed at the same time share it.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    public async Task<TaskResult> TrainAsync(
        TrainSpec spec, ModelKind kind, PathId? path, Phase? phase, StageCount count, CancellationToken cancellationToken)
    {
        Stage stage = kind switch
        {
            ModelKind.Routed => Stage.Phases,
            ModelKind.DenseBase => Stage.Base,
            _ => Stage.Dense,
        };
        return await TrainAsync(spec, stage, stage == Stage.Dense ? kind : null, path, phase, (spec.FirstStep, spec.Steps), count, cancellationToken);
    }

    /// <summary>Runs a synchronous training task and reports its steps, those of all paths together.</summary>
    public Task<TaskResult> TrainAsync(SynchronousSpec spec, Phase phase, long done, CancellationToken cancellationToken) =>
        TrainAsync(spec, Stage.Phases, null, null, phase, (spec.FirstStep, (long)spec.Steps * spec.Paths.Length), new StageCount(done), cancellationToken);

    private async Task<TaskResult> TrainAsync(
        TaskSpec spec, Stage stage, ModelKind? baseline, PathId? path, Phase? phase, (int First, long Count) steps, StageCount count, CancellationToken cancellationToken)
    {
        bool computed = false;
        long reported = 0;
        StepReporter reporter = new(step =>
        {
            if (step.Training is not { } made)
            {
                return;
            }

            computed = true;
            observer.Observe(new StepMade(
                stage, path, phase, steps.First + (int)step.Done, made.Loss, made.LearningRate,
                made.GradientNorm, made.Tokens, made.Flops, made.Elapsed, made.DataWait)
            {
                Baseline = baseline,
            });
            observer.Observe(new StageAdvanced(stage, count.Add(step.Done - reported), Reused: false));
            reported = step.Done;
        });
        string what = phase is { } at
            ? $"{(path is { } id ? $"path {id}" : "all paths")} in phase {at.Value + 1}"
            : baseline is { } kind ? $"'{ModelNames.Of(kind, config.Topology)}'" : "the base model";
        TaskResult result = await NamedAsync($"Training of {what}", () => tasks.RunAsync(spec, reporter, cancellationToken));
        // A task that was begun on one machine and ended on another has not told all of its steps.
        if (!computed || reported != steps.Count)
        {
            observer.Observe(new StageAdvanced(stage, count.Add(steps.Count - reported), Reused: !computed));
        }

        return result;
    }

    /// <summary>Names what was computed where a number was not finite.</summary>
    /// <param name="what">For example <c>Training of path 3 in phase 1</c>.</param>
    /// <param name="run">Runs or remembers the tasks.</param>
    /// <exception cref="DiPaCoException">A loss or a gradient is not finite.</exception>
    public static async Task<T> NamedAsync<T>(string what, Func<Task<T>> run)
    {
        try
        {
            return await run();
        }
        catch (NonFiniteStepException exception)
        {
            throw new DiPaCoException($"{what} stopped: {exception.Message}", exception);
        }
    }

    /// <summary>
    /// Runs something for each of several items: at the same time where tasks are computed at the same time, otherwise one after the other. The
    /// first failure ends the others.
    /// </summary>
    /// <returns>The results in the order of the items.</returns>
    public Task<ImmutableArray<TResult>> ForEachAsync<TItem, TResult>(
        IReadOnlyCollection<TItem> items, Func<TItem, CancellationToken, Task<TResult>> run, CancellationToken cancellationToken) =>
        Each.RunAsync(tasks.IsParallel, items, run, cancellationToken);

    /// <summary>Runs any other task and reports its progress as units of a stage.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="stage">The stage.</param>
    /// <param name="count">Units of the stage that are done; several tasks may share it.</param>
    /// <param name="units">How many units the task is, which may be known from its result only.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    public async Task<TaskResult> RunAsync(
        TaskSpec spec, Stage stage, StageCount count, Func<TaskResult, long> units, CancellationToken cancellationToken)
    {
        bool reused = tasks.Find(spec.Key()) is not null;
        long reported = 0;
        StepReporter reporter = new(step =>
        {
            observer.Observe(new StageAdvanced(stage, count.Add(step.Done - reported), Reused: false));
            reported = step.Done;
        });
        TaskResult result = await tasks.RunAsync(spec, reporter, cancellationToken);
        observer.Observe(new StageAdvanced(stage, count.Add(units(result) - reported), reused));
        return result;
    }

    /// <summary>Reports on the caller's thread and in order, unlike <see cref="Progress{T}"/>.</summary>
    private sealed class StepReporter(Action<TaskStep> report) : IProgress<TaskStep>
    {
        public void Report(TaskStep value)
        {
            Debug.Assert(value.Done >= 0, "Progress counts up from 0.");
            report(value);
        }
    }
}
