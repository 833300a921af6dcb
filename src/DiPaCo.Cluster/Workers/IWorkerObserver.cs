namespace DiPaCo.Cluster;

/// <summary>Watches a worker, for its own line on the terminal. Called from several threads.</summary>
public interface IWorkerObserver
{
    /// <summary>What the worker does or waits on now.</summary>
    void Observe(WorkerEvent happened);
}
