namespace DiPaCo.Runtime.Tests.Support;

/// <summary>Keeps a run's events, and can stop the run at one of them.</summary>
internal sealed class EventLog : IRunObserver
{
    private readonly List<RunEvent> _events = [];

    /// <summary>Called with the number of events so far and the newest.</summary>
    public Action<int, RunEvent>? Seen { get; init; }

    public IReadOnlyList<RunEvent> Events => _events;

    public void Observe(RunEvent runEvent)
    {
        _events.Add(runEvent);
        Seen?.Invoke(_events.Count, runEvent);
    }

    public IEnumerable<T> Of<T>()
        where T : RunEvent => _events.OfType<T>();
}
