using DiPaCo.Core;
using Grpc.Core;

namespace DiPaCo.Cluster.Api;

/// <summary>The silo's end of the worker protocol: checks what comes, and hands it to the dispatcher.</summary>
/// <param name="link">The dispatcher.</param>
internal sealed class WorkerService(IWorkerLink link) : Wire.Worker.WorkerBase
{
    public override Task<Wire.GreetReply> Greet(Wire.GreetRequest request, ServerCallContext context) => AnswerAsync(async () =>
        WireMapping.ToWire(await link.GreetAsync(context.CancellationToken)));

    public override Task<Wire.RegisterReply> Register(Wire.RegisterRequest request, ServerCallContext context) => AnswerAsync(async () =>
    {
        await link.RegisterAsync(WireMapping.FromWire(request), context.CancellationToken);
        return new Wire.RegisterReply();
    });

    public override Task<Wire.LeaseReply> Lease(Wire.LeaseRequest request, ServerCallContext context) => AnswerAsync(async () =>
    {
        LeaseOutcome outcome = await link.LeaseAsync(WireMapping.FromWire(request), context.CancellationToken);
        return new Wire.LeaseReply
        {
            WaitingFor = outcome.WaitingFor,
            UnknownWorker = outcome.UnknownWorker,
            Task = outcome.Task is { } task ? WireMapping.ToWire(task) : null,
        };
    });

    public override Task<Wire.HeartbeatReply> Heartbeat(Wire.HeartbeatRequest request, ServerCallContext context) => AnswerAsync(async () =>
        WireMapping.ToWire(await link.HeartbeatAsync(WireMapping.FromWire(request), context.CancellationToken)));

    public override Task<Wire.CompleteReply> Complete(Wire.CompleteRequest request, ServerCallContext context) => AnswerAsync(async () =>
    {
        DeliveryOutcome outcome = await link.CompleteAsync(
            WireMapping.WorkerOf(request.Worker), request.Incarnation, request.Lease, request.Key, WireMapping.FromWire(request), context.CancellationToken);
        return new Wire.CompleteReply { Verdict = WireMapping.ToWire(outcome.Verdict), Reason = outcome.Reason };
    });

    public override Task<Wire.GiveBackReply> GiveBack(Wire.GiveBackRequest request, ServerCallContext context) => AnswerAsync(async () =>
    {
        await link.GiveBackAsync(
            WireMapping.WorkerOf(request.Worker), request.Incarnation, request.Lease, request.Key, WireMapping.FromWire(request), context.CancellationToken);
        return new Wire.GiveBackReply();
    });

    public override Task<Wire.LeaveReply> Leave(Wire.LeaveRequest request, ServerCallContext context) => AnswerAsync(async () =>
    {
        await link.LeaveAsync(WireMapping.WorkerOf(request.Worker), request.Incarnation, context.CancellationToken);
        return new Wire.LeaveReply();
    });

    /// <summary>Mistakes of the caller are answered as such; nothing of this process is told.</summary>
    private static async Task<T> AnswerAsync<T>(Func<Task<T>> answer)
    {
        try
        {
            return await answer();
        }
        catch (LinkException exception)
        {
            throw new RpcException(new Status(exception.IsFinal ? StatusCode.FailedPrecondition : StatusCode.Unavailable, exception.Message));
        }
        catch (DiPaCoException exception)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, exception.Message));
        }
    }
}
