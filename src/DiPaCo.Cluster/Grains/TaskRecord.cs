using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>What the dispatcher keeps of a task beside what its rules need: the description, for whoever leases it, and the steps, for whoever watches.</summary>
/// <param name="order">The task.</param>
internal sealed class TaskRecord(TaskOrder order)
{
    private const int MostSteps = 20_000;

    private readonly List<StepReport> _steps = [];
    private long _firstStep;
    private TaskCompletionSource? _changed;

    public TaskOrder Order { get; } = order;

    /// <summary>The task, for the guard that looks at its result. Null: it is of a version that this silo cannot read.</summary>
    public TaskSpec? Spec { get; } = Read(order);

    /// <summary>Which path it trains, and which of its steps, for people; empty: none.</summary>
    public string What => Spec is not TrainSpec train ? ""
        : $"{(train.Order < 0 ? "dense" : $"path {train.Order}")}, steps {train.FirstStep + 1} to {train.FirstStep + train.Steps}";

    /// <summary>Why a worker found it impossible; null: none did.</summary>
    public GivenBack? Impossible { get; set; }

    /// <summary>Number of the step after the last one that was told.</summary>
    public long NextStep => _firstStep + _steps.Count;

    /// <summary>Ends when something of the task is another; for those who watch it.</summary>
    public Task Changed => (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Wakes those who watch the task.</summary>
    public void Change()
    {
        _changed?.SetResult();
        _changed = null;
    }

    /// <summary>A second attempt tells the first steps again; whoever is further counts.</summary>
    public void Add(StepBatch batch)
    {
        for (int i = 0; i < batch.Steps.Length; i++)
        {
            long number = batch.First + i;
            if (number > NextStep)
            {
                _firstStep = number;
                _steps.Clear();
            }

            if (number == NextStep)
            {
                _steps.Add(batch.Steps[i]);
            }
        }

        if (_steps.Count > MostSteps)
        {
            int gone = _steps.Count - MostSteps;
            _steps.RemoveRange(0, gone);
            _firstStep += gone;
        }
    }

    public StepBatch StepsFrom(long next)
    {
        int skip = (int)Math.Clamp(next - _firstStep, 0, _steps.Count);
        return new StepBatch(_firstStep + skip, [.. _steps.Skip(skip)]);
    }

    private static TaskSpec? Read(TaskOrder order)
    {
        try
        {
            return TaskSpecJson.Read(order.Kind, order.Spec, new TaskKey(order.Key));
        }
        catch (DiPaCoException)
        {
            return null;
        }
    }
}
