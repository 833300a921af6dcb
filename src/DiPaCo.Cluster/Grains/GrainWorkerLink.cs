namespace DiPaCo.Cluster;

/// <summary>The way to the dispatcher inside a silo.</summary>
/// <param name="grains">Finds it.</param>
internal sealed class GrainWorkerLink(IGrainFactory grains) : IWorkerLink
{
    private IDispatcherGrain Dispatcher => grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);

    public Task<Greeting> GreetAsync(CancellationToken cancellationToken) => CallAsync(Dispatcher.GreetAsync(), cancellationToken);

    public Task RegisterAsync(WorkerOffer offer, CancellationToken cancellationToken) =>
        CallAsync(Dispatcher.RegisterAsync(offer), cancellationToken);

    public Task<LeaseOutcome> LeaseAsync(LeaseQuestion question, CancellationToken cancellationToken) =>
        CallAsync(Dispatcher.LeaseAsync(question, cancellationToken), cancellationToken);

    public Task<HeartbeatOutcome> HeartbeatAsync(HeartbeatNote note, CancellationToken cancellationToken) =>
        CallAsync(Dispatcher.HeartbeatAsync(note), cancellationToken);

    public Task<DeliveryOutcome> CompleteAsync(string worker, long incarnation, long lease, string key, TaskDelivery delivery, CancellationToken cancellationToken) =>
        CallAsync(Dispatcher.CompleteAsync(worker, incarnation, lease, key, delivery), cancellationToken);

    public Task GiveBackAsync(string worker, long incarnation, long lease, string key, GivenBack reason, CancellationToken cancellationToken) =>
        CallAsync(Dispatcher.GiveBackAsync(worker, incarnation, lease, key, reason), cancellationToken);

    public Task LeaveAsync(string worker, long incarnation, CancellationToken cancellationToken) =>
        CallAsync(Dispatcher.LeaveAsync(worker, incarnation), cancellationToken);

    private static Task<bool> CallAsync(Task call, CancellationToken cancellationToken)
    {
        return CallAsync(Done(), cancellationToken);

        async Task<bool> Done()
        {
            await call;
            return true;
        }
    }

    private static async Task<T> CallAsync<T>(Task<T> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call.WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (GrainFailures.IsPassing(exception))
        {
            throw new LinkException($"The dispatcher does not answer: {exception.Message}", isFinal: false, exception);
        }
    }
}
