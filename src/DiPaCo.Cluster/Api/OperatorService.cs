using Grpc.Core;

namespace DiPaCo.Cluster.Api;

/// <summary>The silo's end of what people ask.</summary>
/// <param name="grains">Finds the dispatcher.</param>
/// <param name="time">For the silo's clock.</param>
internal sealed class OperatorService(IGrainFactory grains, TimeProvider time) : Wire.Operator.OperatorBase
{
    // What a terminal can show, and more.
    private const int MostTasks = 1000;

    public override async Task<Wire.StatusReply> Status(Wire.StatusRequest request, ServerCallContext context)
    {
        ClusterStatus status;
        try
        {
            status = await grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key).StatusAsync().WaitAsync(context.CancellationToken);
        }
        catch (Exception exception) when (exception is Orleans.Runtime.OrleansException or TimeoutException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The dispatcher does not answer."));
        }

        Wire.StatusReply reply = new() { TaskCount = status.Tasks.Length, UnixMilliseconds = time.GetUtcNow().ToUnixTimeMilliseconds() };
        reply.Workers.AddRange(status.Workers.Select(worker => new Wire.WorkerLine
        {
            Worker = worker.Worker,
            Device = worker.Device,
            State = worker.State,
            SinceUnixMilliseconds = worker.Since.ToUnixTimeMilliseconds(),
            Completed = worker.Completed,
            Failed = worker.Failed,
            Refused = worker.Refused,
            IsSlow = worker.IsSlow,
            Fingerprint = worker.Fingerprint,
        }));
        reply.Tasks.AddRange(status.Tasks.Take(MostTasks).Select(task => new Wire.TaskLine
        {
            Run = task.Run,
            Key = task.Key,
            Kind = task.Kind,
            State = task.State,
            SinceUnixMilliseconds = task.Since.ToUnixTimeMilliseconds(),
            Attempts = task.Attempts,
            LastFailure = task.LastFailure ?? "",
            LacksWorker = task.LacksWorker,
        }));
        return reply;
    }
}
