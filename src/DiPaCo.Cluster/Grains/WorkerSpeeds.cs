using DiPaCo.Runtime.Rules;

namespace DiPaCo.Cluster;

/// <summary>How fast workers train, by what their last heartbeats told; for people.</summary>
internal sealed class WorkerSpeeds
{
    private readonly Dictionary<WorkerId, (double TokensPerSecond, DateTimeOffset At)> _speeds = [];

    /// <summary>A heartbeat has told of steps.</summary>
    public void Add(WorkerId worker, StepBatch batch, DateTimeOffset now)
    {
        long tokens = 0;
        TimeSpan time = TimeSpan.Zero;
        foreach (StepReport step in batch.Steps)
        {
            if (step.Training is { Tokens: > 0 } made && made.Elapsed > TimeSpan.Zero)
            {
                tokens += made.Tokens;
                time += made.Elapsed;
            }
        }

        if (tokens > 0)
        {
            _speeds[worker] = (tokens / time.TotalSeconds, now);
        }
    }

    /// <summary>Tokens a second of a worker; 0 where it has told of no step since a moment.</summary>
    public double Of(WorkerId worker, DateTimeOffset since)
    {
        if (!_speeds.TryGetValue(worker, out (double TokensPerSecond, DateTimeOffset At) speed))
        {
            return 0;
        }

        if (speed.At < since)
        {
            _speeds.Remove(worker);
            return 0;
        }

        return speed.TokensPerSecond;
    }
}
