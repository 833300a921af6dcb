using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime;

/// <summary>
/// Writes every training step and the time of every stage into <c>metrics.jsonl</c>, and passes all events on. A stage's time is
/// written piece by piece, so that a session that is killed has spent its time all the same.
/// </summary>
/// <param name="next">Sees everything.</param>
/// <param name="log">Receives the measurements.</param>
/// <param name="time">For the time of stages.</param>
internal sealed class MetricsObserver(IRunObserver next, MetricsLog log, TimeProvider time) : IRunObserver
{
    // Seldom enough to be no load; a killed session loses at most as much.
    private static readonly TimeSpan Piece = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private long _begun;
    private TimeSpan _written;

    public void Observe(RunEvent runEvent)
    {
        // Tasks that are computed at the same time tell of their steps at the same time.
        lock (_lock)
        {
            Log(runEvent);
        }

        next.Observe(runEvent);
    }

    private void Log(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case StepMade step:
                log.Append(StepMetric.Of(step).ToLine());
                break;
            case TaskComputed computed:
                log.Append(new TaskOrigin { Task = computed.Kind, Key = computed.Key, Worker = computed.Worker, Fingerprint = computed.Fingerprint }.ToLine());
                break;
            case StageStarted:
                _begun = time.GetTimestamp();
                _written = TimeSpan.Zero;
                break;
            case StageAdvanced advanced when time.GetElapsedTime(_begun) is var elapsed && elapsed - _written >= Piece:
                Write(advanced.Stage, elapsed);
                break;
            case StageFinished finished:
                Write(finished.Stage, finished.Elapsed);
                break;
        }
    }

    private void Write(Stage stage, TimeSpan elapsed)
    {
        log.Append(new StageTime(stage, elapsed - _written).ToLine());
        _written = elapsed;
    }
}
