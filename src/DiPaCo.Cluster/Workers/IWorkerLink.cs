namespace DiPaCo.Cluster;

/// <summary>
/// How a worker reaches the dispatcher: over gRPC, or directly in the process that hosts it. Every call may be repeated; what it did the
/// first time it does not do again.
/// </summary>
public interface IWorkerLink
{
    /// <summary>Asks the silo who it is and what it needs. Nothing changes by that.</summary>
    Task<Greeting> GreetAsync(CancellationToken cancellationToken);

    /// <summary>Says who is there.</summary>
    Task RegisterAsync(WorkerOffer offer, CancellationToken cancellationToken);

    /// <summary>Asks for work, and waits a while for it.</summary>
    /// <param name="question">Who asks, and what it has already.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<LeaseOutcome> LeaseAsync(LeaseQuestion question, CancellationToken cancellationToken);

    /// <summary>Keeps a lease.</summary>
    Task<HeartbeatOutcome> HeartbeatAsync(HeartbeatNote note, CancellationToken cancellationToken);

    /// <summary>Delivers a result.</summary>
    Task<DeliveryOutcome> CompleteAsync(string worker, long incarnation, long lease, string key, TaskDelivery delivery, CancellationToken cancellationToken);

    /// <summary>Gives a task back.</summary>
    Task GiveBackAsync(string worker, long incarnation, long lease, string key, GivenBack reason, CancellationToken cancellationToken);

    /// <summary>Leaves for good.</summary>
    Task LeaveAsync(string worker, long incarnation, CancellationToken cancellationToken);
}
