using DiPaCo.Cluster.Api;
using DiPaCo.Runtime;
using Google.Protobuf;
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
                    worker.Fingerprint, worker.TokensPerSecond))],
                [.. reply.Tasks.Select(task => new TaskStatusLine(
                    task.Run, task.Key, task.Kind, task.State, WireMapping.Moment(task.SinceUnixMilliseconds), task.Attempts,
                    task.LastFailure.Length > 0 ? task.LastFailure : null, task.LacksWorker, task.What))]),
            reply.TaskCount, WireMapping.Moment(reply.UnixMilliseconds), [.. reply.Runs.Select(WireMapping.FromWire)]);
    }, cancellationToken);

    /// <summary>Begins a run whose blobs are in the cluster's store; once more changes nothing.</summary>
    /// <exception cref="LinkException">The silo refuses, or cannot be reached.</exception>
    public Task<RunLine> SubmitAsync(string name, RunSubmission submission, CancellationToken cancellationToken) => GrpcCalls.CallAsync(
        async () => WireMapping.FromWire(await _client.SubmitAsync(
            new Wire.SubmitRequest
            {
                Name = name,
                Configuration = submission.Configuration,
                ConfigurationYaml = submission.ConfigurationYaml,
                Journal = ByteString.CopyFrom(submission.Journal),
                Strict = submission.Strict,
            },
            GrpcCalls.Options(time, cancellationToken))), cancellationToken);

    /// <summary>Pauses a run, lets it go on, or deletes it.</summary>
    /// <exception cref="LinkException">The silo refuses, or cannot be reached.</exception>
    public Task<RunLine> ChangeAsync(string name, RunWish wish, CancellationToken cancellationToken) => GrpcCalls.CallAsync(
        async () => WireMapping.FromWire(await _client.ChangeAsync(new Wire.ChangeRequest { Name = name, Wish = (Wire.Wish)wish }, GrpcCalls.Options(time, cancellationToken))),
        cancellationToken);

    /// <summary>Waits a while for news of a run.</summary>
    /// <param name="name">The run.</param>
    /// <param name="session">Of the news before; 0: there were none.</param>
    /// <param name="next">Of the news before.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="LinkException">The silo refuses, or cannot be reached.</exception>
    public Task<RunNews> FollowAsync(string name, long session, long next, CancellationToken cancellationToken) => GrpcCalls.CallAsync(async () =>
    {
        Wire.FollowReply reply = await _client.FollowAsync(new Wire.FollowRequest { Name = name, Session = session, Next = next }, GrpcCalls.Options(time, cancellationToken));
        return new RunNews(WireMapping.FromWire(reply.Run), reply.Session, reply.Next, [.. reply.Events]);
    }, cancellationToken);

    /// <summary>A run's configuration and journal.</summary>
    /// <exception cref="LinkException">The silo refuses, or cannot be reached.</exception>
    public Task<(RunDescription Run, byte[] Journal)> FetchAsync(string name, CancellationToken cancellationToken) => GrpcCalls.CallAsync(async () =>
    {
        using AsyncServerStreamingCall<Wire.FetchReply> call = _client.Fetch(new Wire.FetchRequest { Name = name }, new CallOptions(cancellationToken: cancellationToken));
        RunDescription? run = null;
        using MemoryStream journal = new();
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
            Wire.FetchReply part = call.ResponseStream.Current;
            run ??= new RunDescription(part.Configuration, part.ConfigurationYaml);
            part.Journal.WriteTo(journal);
        }

        return (run ?? throw new LinkException("The silo sent nothing.", isFinal: false), journal.ToArray());
    }, cancellationToken);
}
