using DiPaCo.Cluster.Api;
using Grpc.Core;

namespace DiPaCo.Cluster;

/// <summary>Asks a silo what people want to know.</summary>
/// <param name="client">The channel to a silo.</param>
/// <param name="time">For deadlines.</param>
public sealed class GrpcOperatorLink(CallInvoker client, TimeProvider time)
{
    private readonly Wire.Operator.OperatorClient _client = new(client);

    /// <summary>What everybody does now.</summary>
    /// <exception cref="LinkException">The silo refuses, or cannot be reached.</exception>
    public Task<ClusterView> StatusAsync(CancellationToken cancellationToken) => GrpcCalls.CallAsync(async () =>
    {
        Wire.StatusReply reply = await _client.StatusAsync(new Wire.StatusRequest(), GrpcCalls.Options(time, cancellationToken));
        return new ClusterView(
            new ClusterStatus(
                [.. reply.Workers.Select(worker => new WorkerStatus(
                    worker.Worker, worker.Device, worker.State, WireMapping.Moment(worker.SinceUnixMilliseconds), worker.Completed, worker.Failed, worker.Refused, worker.IsSlow,
                    worker.Fingerprint))],
                [.. reply.Tasks.Select(task => new TaskStatusLine(
                    task.Run, task.Key, task.Kind, task.State, WireMapping.Moment(task.SinceUnixMilliseconds), task.Attempts,
                    task.LastFailure.Length > 0 ? task.LastFailure : null, task.LacksWorker))]),
            reply.TaskCount, WireMapping.Moment(reply.UnixMilliseconds));
    }, cancellationToken);
}
