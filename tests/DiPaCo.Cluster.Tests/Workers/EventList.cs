using System.Collections.Concurrent;

namespace DiPaCo.Cluster.Tests.Workers;

/// <summary>What a worker tells of itself.</summary>
internal sealed class EventList : IWorkerObserver
{
    private readonly ConcurrentQueue<WorkerEvent> _events = new();

    public void Observe(WorkerEvent happened) => _events.Enqueue(happened);

    public IEnumerable<string> Of(WorkerEventKind kind) => _events.Where(happened => happened.Kind == kind).Select(happened => happened.Text);
}
