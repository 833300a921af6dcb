namespace DiPaCo.Cluster;

/// <summary>
/// How a worker reaches the dispatcher: over gRPC, or directly in the process that hosts it. Every call may be repeated; what it did the
/// first time it does not do again.
/// </summary>
public interface IWorkerLink
{
    /// <summary>Cached inputs that are told at most.</summary>
    const int MostCached = 256;

    /// <summary>Asks the silo who it is and what it needs. Nothing changes by that.</summary>
    Task<Greeting> GreetAsync(CancellationToken cancellationToken);

    /// <summary>Says who is there.</summary>
    Task RegisterAsync(WorkerOffer offer, CancellationToken cancellationToken);

    /// <summary>Asks for work, and waits a while for it.</summary>
    /// <param name="worker">The worker's name.</param>
    /// <param name="incarnation">Its incarnation.</param>
    /// <param name="number">Number of the request, from 1: the same until it brings a task, then the next.</param>
    /// <param name="cached">Hashes of inputs that it has, newest first, at most <see cref="MostCached"/>.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<LeaseOutcome> LeaseAsync(string worker, long incarnation, long number, IReadOnlyList<string> cached, CancellationToken cancellationToken);

    /// <summary>Keeps a lease.</summary>
    Task<HeartbeatOutcome> HeartbeatAsync(HeartbeatNote note, CancellationToken cancellationToken);

    /// <summary>Delivers a result.</summary>
    Task<DeliveryOutcome> CompleteAsync(string worker, long incarnation, long lease, string key, TaskDelivery delivery, CancellationToken cancellationToken);

    /// <summary>Gives a task back.</summary>
    Task GiveBackAsync(string worker, long incarnation, long lease, string key, GivenBack reason, CancellationToken cancellationToken);

    /// <summary>Leaves for good.</summary>
    Task LeaveAsync(string worker, long incarnation, CancellationToken cancellationToken);
}
