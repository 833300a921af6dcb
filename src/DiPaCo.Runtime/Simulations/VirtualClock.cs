namespace DiPaCo.Runtime.Simulations;

/// <summary>Time that passes only from event to event, and the events in their order: of those at the same time the earlier planned one comes first.</summary>
internal sealed class VirtualClock : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<Action, (long Ticks, long Number)> _events = new();
    private long _ticks;
    private long _planned;

    /// <summary>Since the start.</summary>
    public TimeSpan Elapsed => new(_ticks);

    /// <summary>Now.</summary>
    public DateTimeOffset Now => Start + Elapsed;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Now;

    /// <summary>Plans an event.</summary>
    /// <param name="at">Since the start; what lies in the past happens now.</param>
    /// <param name="happens">The event.</param>
    public void At(TimeSpan at, Action happens) => _events.Enqueue(happens, (Math.Max(_ticks, at.Ticks), _planned++));

    /// <summary>Plans an event some time from now.</summary>
    public void After(TimeSpan delay, Action happens) => At(Elapsed + delay, happens);

    /// <summary>Lets the next event happen; false when there is none.</summary>
    public bool Step()
    {
        if (!_events.TryDequeue(out Action? happens, out (long Ticks, long Number) due))
        {
            return false;
        }

        _ticks = due.Ticks;
        happens();
        return true;
    }
}
