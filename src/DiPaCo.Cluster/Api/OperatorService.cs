using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using Google.Protobuf;
using Grpc.Core;

namespace DiPaCo.Cluster.Api;

/// <summary>The silo's end of what people ask.</summary>
/// <param name="grains">Finds the dispatcher.</param>
/// <param name="time">For the silo's clock.</param>
/// <param name="runs">The cluster's runs; null where the silo belongs to one run's process.</param>
internal sealed class OperatorService(IGrainFactory grains, TimeProvider time, RunServices? runs = null) : Wire.Operator.OperatorBase
{
    private const int PartBytes = 1 << 20;
    private const int LongestName = 100;

    // What a terminal can show, and more.
    private const int MostTasks = 1000;

    public override async Task<Wire.StatusReply> Status(Wire.StatusRequest request, ServerCallContext context)
    {
        ClusterStatus status = await AskAsync(() => grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key).StatusAsync(), context);
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
            TokensPerSecond = worker.TokensPerSecond,
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
            What = task.What,
        }));
        if (runs is not null)
        {
            ImmutableArray<string> names = await AskAsync(() => runs.Runs.NamesAsync(context.CancellationToken), context);
            reply.Runs.AddRange(await Task.WhenAll(names.Select(async name => WireMapping.ToWire(await AskAsync(() => grains.GetGrain<IRunGrain>(name).StatusAsync(), context)))));
        }

        return reply;
    }

    public override Task<Wire.RunLine> Submit(Wire.SubmitRequest request, ServerCallContext context) => ChangeAsync(
        request.Name,
        run => run.SubmitAsync(new RunSubmission(request.Configuration, request.ConfigurationYaml, request.Journal.ToByteArray(), request.Strict)), context);

    public override Task<Wire.RunLine> Change(Wire.ChangeRequest request, ServerCallContext context) => ChangeAsync(
        request.Name,
        run => (RunWish)request.Wish switch
        {
            RunWish.Pause => run.PauseAsync(),
            RunWish.Resume => run.ResumeAsync(),
            RunWish.Delete => run.DeleteAsync(),
            _ => throw new RpcException(new Status(StatusCode.InvalidArgument, $"wish is {(int)request.Wish}; 1 to 3 were expected.")),
        },
        context);

    public override async Task<Wire.FollowReply> Follow(Wire.FollowRequest request, ServerCallContext context)
    {
        RunNews news = await AskAsync(() => Run(request.Name).FollowAsync(request.Session, request.Next), context);
        Wire.FollowReply reply = new() { Run = WireMapping.ToWire(news.Run), Session = news.Session, Next = news.Next };
        reply.Events.AddRange(news.Events);
        return reply;
    }

    public override async Task Fetch(Wire.FetchRequest request, IServerStreamWriter<Wire.FetchReply> responseStream, ServerCallContext context)
    {
        (string json, string yaml) = await AskAsync(() => Run(request.Name).ConfigurationAsync(), context);
        if (json.Length == 0)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"There is no run '{request.Name}' in this cluster. 'dipaco status --join' shows those that there are."));
        }

        (byte[] lines, JournalState _) = await AskAsync(() => runs!.Runs.ReadAsync(request.Name, 0, context.CancellationToken), context);
        await responseStream.WriteAsync(new Wire.FetchReply { Configuration = json, ConfigurationYaml = yaml });
        for (int at = 0; at < lines.Length; at += PartBytes)
        {
            await responseStream.WriteAsync(new Wire.FetchReply { Journal = ByteString.CopyFrom(lines.AsSpan(at, Math.Min(PartBytes, lines.Length - at))) });
        }
    }

    private async Task<Wire.RunLine> ChangeAsync(string name, Func<IRunGrain, Task<RunLine>> change, ServerCallContext context)
    {
        RunLine line = await AskAsync(() => change(Run(name)), context);
        return line.Refusal.Length == 0 ? WireMapping.ToWire(line) : throw new RpcException(new Status(StatusCode.FailedPrecondition, line.Refusal));
    }

    private IRunGrain Run(string name) =>
        runs is null ? throw new RpcException(new Status(StatusCode.FailedPrecondition, "This silo belongs to the process of one run, and takes no others. Submit runs to a cluster of 'dipaco silo'."))
        : RunConfig.IsName(name) ? grains.GetGrain<IRunGrain>(name)
        : throw new RpcException(new Status(StatusCode.InvalidArgument, $"The name has {name.Length} characters; 1 to {LongestName} letters, digits, dots, dashes and underscores were expected."));

    private static async Task<T> AskAsync<T>(Func<Task<T>> ask, ServerCallContext context)
    {
        try
        {
            return await ask().WaitAsync(context.CancellationToken);
        }
        catch (Exception exception) when (GrainFailures.IsPassing(exception) || exception is DatabaseAwayException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The cluster does not answer."));
        }
        catch (DiPaCoException exception)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, exception.Message));
        }
    }
}
