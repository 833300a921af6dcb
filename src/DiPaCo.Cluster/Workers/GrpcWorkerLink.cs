using DiPaCo.Cluster.Api;
using Grpc.Core;

namespace DiPaCo.Cluster;

/// <summary>The worker's end of the protocol.</summary>
/// <param name="client">The channel to a silo.</param>
/// <param name="time">For deadlines.</param>
public sealed class GrpcWorkerLink(CallInvoker client, TimeProvider time) : IWorkerLink
{
    private readonly Wire.Worker.WorkerClient _client = new(client);

    /// <inheritdoc/>
    public Task<Greeting> GreetAsync(CancellationToken cancellationToken) => GrpcCalls.CallAsync(
        async () => WireMapping.FromWire(await _client.GreetAsync(new Wire.GreetRequest(), Options(cancellationToken))), cancellationToken);

    /// <inheritdoc/>
    public Task RegisterAsync(WorkerOffer offer, CancellationToken cancellationToken) => GrpcCalls.CallAsync(
        async () => await _client.RegisterAsync(WireMapping.ToWire(offer), Options(cancellationToken)), cancellationToken);

    /// <inheritdoc/>
    public Task<LeaseOutcome> LeaseAsync(LeaseQuestion question, CancellationToken cancellationToken) => GrpcCalls.CallAsync(async () =>
    {
        Wire.LeaseReply reply = await _client.LeaseAsync(WireMapping.ToWire(question), Options(cancellationToken));
        return new LeaseOutcome(reply.Task is { } task ? WireMapping.FromWire(task) : null, reply.WaitingFor, reply.UnknownWorker);
    }, cancellationToken);

    /// <inheritdoc/>
    public Task<HeartbeatOutcome> HeartbeatAsync(HeartbeatNote note, CancellationToken cancellationToken) => GrpcCalls.CallAsync(
        async () => WireMapping.FromWire(await _client.HeartbeatAsync(WireMapping.ToWire(note), Options(cancellationToken))), cancellationToken);

    /// <inheritdoc/>
    public Task<DeliveryOutcome> CompleteAsync(
        string worker, long incarnation, long lease, string key, TaskDelivery delivery, CancellationToken cancellationToken) => GrpcCalls.CallAsync(async () =>
    {
        Wire.CompleteRequest request = new()
        {
            Worker = worker,
            Incarnation = incarnation,
            Lease = lease,
            Key = key,
            Metrics = delivery.Metrics,
            ElapsedMilliseconds = (long)delivery.Elapsed.TotalMilliseconds,
            FirstStep = delivery.Progress.First,
        };
        foreach ((string name, string hash) in delivery.Outputs)
        {
            request.Outputs[name] = Google.Protobuf.ByteString.CopyFrom(Convert.FromHexString(hash));
        }

        request.Steps.AddRange(WireMapping.ToWire(delivery.Progress));
        Wire.CompleteReply reply = await _client.CompleteAsync(request, Options(cancellationToken));
        return new DeliveryOutcome(WireMapping.FromWire(reply.Verdict), reply.Reason);
    }, cancellationToken);

    /// <inheritdoc/>
    public Task LeaveAsync(string worker, long incarnation, CancellationToken cancellationToken) => GrpcCalls.CallAsync(
        async () => await _client.LeaveAsync(new Wire.LeaveRequest { Worker = worker, Incarnation = incarnation }, Options(cancellationToken)), cancellationToken);

    /// <inheritdoc/>
    public Task GiveBackAsync(string worker, long incarnation, long lease, string key, GivenBack reason, CancellationToken cancellationToken) => GrpcCalls.CallAsync(async () =>
    {
        await _client.GiveBackAsync(WireMapping.ToWire(worker, incarnation, lease, key, reason), Options(cancellationToken));
        return true;
    }, cancellationToken);

    private CallOptions Options(CancellationToken cancellationToken) => GrpcCalls.Options(time, cancellationToken);
}
