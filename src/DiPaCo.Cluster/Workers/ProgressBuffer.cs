using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>The steps of a task that the dispatcher has not been told of yet, and how fast they are made.</summary>
/// <param name="time">Measures that.</param>
internal sealed class ProgressBuffer(TimeProvider time) : IProgress<TaskStep>
{
    // A dispatcher that is away must not cost the worker its memory: the oldest steps go, the numbers show the gap.
    private const int MostUntold = 10_000;

    private readonly Queue<StepReport> _steps = new();
    private readonly Lock _lock = new();
    private long? _next;
    private long _first;

    // From the first step on: what was fetched and waited for before it, and a state that was gone on from, say nothing of the rate.
    private (double Fraction, long Time)? _measuredFrom;

    /// <summary>Part of the task that is done, 0 to 1; 0 where that is unknown.</summary>
    public double DoneFraction { get; private set; }

    /// <inheritdoc/>
    public void Report(TaskStep value)
    {
        lock (_lock)
        {
            // A task that goes on in the middle tells its own numbers; what other tasks tell is numbered as it comes.
            long number = value.Training is null ? _next ?? 0 : value.Done - 1;
            if (number < _next)
            {
                return;
            }

            if (number != _next)
            {
                _steps.Clear();
                _first = number;
            }

            _next = number + 1;
            DoneFraction = value.Units > 0 ? Math.Clamp((double)value.Done / value.Units, 0, 1) : 0;
            _measuredFrom ??= (DoneFraction, time.GetTimestamp());
            _steps.Enqueue(StepReport.Of(value));
            if (_steps.Count > MostUntold)
            {
                _steps.Dequeue();
                _first++;
            }
        }
    }

    /// <summary>How long a part of the task takes at the rate of the steps so far; zero: that is not known yet.</summary>
    /// <param name="fraction">The part, 0 to 1.</param>
    public TimeSpan TimeOf(double fraction)
    {
        lock (_lock)
        {
            return _measuredFrom is { } from && DoneFraction > from.Fraction
                ? time.GetElapsedTime(from.Time) * (fraction / (DoneFraction - from.Fraction))
                : TimeSpan.Zero;
        }
    }

    /// <summary>The steps that were not acknowledged.</summary>
    public StepBatch Untold()
    {
        lock (_lock)
        {
            return new StepBatch(_first, [.. _steps]);
        }
    }

    /// <summary>Forgets steps that have arrived.</summary>
    public void Told(StepBatch batch)
    {
        lock (_lock)
        {
            long end = batch.First + batch.Steps.Length;
            while (_first < end && _steps.TryDequeue(out _))
            {
                _first++;
            }
        }
    }
}
