namespace DiPaCo.Runtime;

/// <summary>Receives the events of a run, in order, on the run's own thread. Must be quick and must not throw.</summary>
public interface IRunObserver
{
    /// <summary>Receives one event.</summary>
    void Observe(RunEvent runEvent);
}
