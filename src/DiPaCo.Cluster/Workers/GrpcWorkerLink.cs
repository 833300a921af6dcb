using System.Security.Authentication;
using DiPaCo.Cluster.Api;
using Grpc.Core;

namespace DiPaCo.Cluster;

/// <summary>The worker's end of the protocol.</summary>
/// <param name="client">The channel to a silo.</param>
/// <param name="time">For deadlines.</param>
public sealed class GrpcWorkerLink(CallInvoker client, TimeProvider time) : IWorkerLink
{
    // A silo answers a question for work within its patience, everything else at once.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Wire.Worker.WorkerClient _client = new(client);

    /// <inheritdoc/>
    public Task<Greeting> GreetAsync(CancellationToken cancellationToken) => CallAsync(
        async () => WireMapping.FromWire(await _client.GreetAsync(new Wire.GreetRequest(), Options(cancellationToken))), cancellationToken);

    /// <inheritdoc/>
    public Task RegisterAsync(WorkerOffer offer, CancellationToken cancellationToken) => CallAsync(
        async () => await _client.RegisterAsync(WireMapping.ToWire(offer), Options(cancellationToken)), cancellationToken);

    /// <inheritdoc/>
    public Task<LeaseOutcome> LeaseAsync(string worker, long incarnation, long number, IReadOnlyList<string> cached, CancellationToken cancellationToken) => CallAsync(async () =>
    {
        Wire.LeaseRequest request = new() { Worker = worker, Incarnation = incarnation, Number = number };
        request.Cached.AddRange(WireMapping.HashesToWire(cached));
        Wire.LeaseReply reply = await _client.LeaseAsync(request, Options(cancellationToken));
        return new LeaseOutcome(reply.Task is { } task ? WireMapping.FromWire(task) : null, reply.WaitingFor, reply.UnknownWorker);
    }, cancellationToken);

    /// <inheritdoc/>
    public Task<HeartbeatOutcome> HeartbeatAsync(HeartbeatNote note, CancellationToken cancellationToken) => CallAsync(
        async () => WireMapping.FromWire(await _client.HeartbeatAsync(WireMapping.ToWire(note), Options(cancellationToken))), cancellationToken);

    /// <inheritdoc/>
    public Task<DeliveryOutcome> CompleteAsync(
        string worker, long incarnation, long lease, string key, TaskDelivery delivery, CancellationToken cancellationToken) => CallAsync(async () =>
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
    public Task GiveBackAsync(string worker, long incarnation, long lease, string key, GivenBack reason, CancellationToken cancellationToken) => CallAsync(async () =>
    {
        await _client.GiveBackAsync(WireMapping.ToWire(worker, incarnation, lease, key, reason), Options(cancellationToken));
        return true;
    }, cancellationToken);

    private CallOptions Options(CancellationToken cancellationToken) => new(deadline: (time.GetUtcNow() + Deadline).UtcDateTime, cancellationToken: cancellationToken);

    private static async Task<T> CallAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call();
        }
        catch (RpcException exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool isFinal = exception.StatusCode is StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.Unauthenticated
                or StatusCode.PermissionDenied or StatusCode.Unimplemented || IsOtherCertificate(exception);
            throw new LinkException(Explain(exception), isFinal, exception);
        }
    }

    private static bool IsOtherCertificate(RpcException exception) =>
        exception.Status.DebugException is { } cause && (cause is AuthenticationException || cause.GetBaseException() is AuthenticationException);

    private static string Explain(RpcException exception) => IsOtherCertificate(exception)
        ? "Whoever answers at this address shows another certificate than the invitation names. If the silo was set up anew, ask for a new invitation ('dipaco token'); otherwise somebody is in between."
        : exception.StatusCode switch
    {
        StatusCode.Unauthenticated => $"The silo does not accept this worker's token: {exception.Status.Detail} Ask for a new invitation ('dipaco token').",
        StatusCode.PermissionDenied => $"The token does not allow it: {exception.Status.Detail}",
        StatusCode.Unimplemented => "Whoever answers at this address is no silo of this version of dipaco.",
        StatusCode.DeadlineExceeded => "The silo did not answer in time.",
        StatusCode.Unavailable => $"The silo cannot be reached: {exception.Status.DebugException?.GetBaseException().Message ?? exception.Status.Detail}",
        _ => exception.Status.Detail,
    };
}
