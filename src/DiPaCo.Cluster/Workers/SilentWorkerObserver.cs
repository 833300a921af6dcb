namespace DiPaCo.Cluster;

/// <summary>Watches nothing.</summary>
public sealed class SilentWorkerObserver : IWorkerObserver
{
    private SilentWorkerObserver()
    {
    }

    /// <summary>The one that is needed.</summary>
    public static SilentWorkerObserver Instance { get; } = new();

    /// <inheritdoc/>
    public void Observe(WorkerEvent happened)
    {
    }
}
