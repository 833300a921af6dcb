using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;
using Google.Protobuf;
using Grpc.Core;
using Xunit;

namespace DiPaCo.Cluster.Tests.Hosting;

/// <summary>Every message that a silo takes, with changed bytes: always an answer, never a crash, and never another state.</summary>
public sealed class MutatedMessageTests
{
    private const int PerMessage = 1000;
    private const int AtOnce = 50;

    // Ends of groups, the largest lengths and numbers, and what begins a field.
    private static readonly byte[] s_special = [0, 0xFF, 0x80, 0x7F, 0x0A, 0x0B, 0x0C, 0x08, 0x12];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AThousandOfEach_AreAnswered_AndChangeNothing()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        // A worker that is there, a task that waits, and messages about both: none of them may settle it, or take it away.
        await silo.Link.RegisterAsync(LabSilo.Offer("honest"), Cancellation);
        Task<TaskResult> wanted = silo.Executor().ExecuteAsync(silo.Spec, silo.Lab.Store, null, Cancellation);
        TaskResult result = await silo.ComputeAsync(silo.Spec, Cancellation);
        string key = silo.Spec.Key().Hex;
        using SiloChannel channel = new(silo.Host.Addresses[0], silo.Host.InvitationFor(silo.Host.Tokens.Create(TokenRole.Admin, TimeSpan.FromHours(1)).Token));
        RandomStream random = new(7, "mutated messages");

        foreach ((string method, IMessage message) in Messages(key, result))
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, PerMessage).Select(_ => Mutation.Of(message.ToByteArray(), s_special, random)).ToArray(),
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation },
                async (bytes, cancellation) =>
                {
                    StatusCode status = await AskAsync(channel, method, bytes, cancellation);
                    Assert.False(
                        IsWellFormed(message, bytes) && status is StatusCode.Unknown or StatusCode.Internal or StatusCode.DeadlineExceeded,
                        $"{method} answers {status} to {Convert.ToHexString(bytes)}");
                });
        }

        TaskStatusLine task = Assert.Single((await silo.Dispatcher.StatusAsync()).Tasks);
        Assert.Equal((key, 0, null), (task.Key, task.Attempts, task.LastFailure));
        LeasedTask leased = await silo.LeaseAsync("honest", 1, Cancellation);
        Assert.Equal(CompletionVerdict.Taken, (await silo.DeliverAsync("honest", leased, result, Cancellation)).Verdict);
        Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>(result.Outputs, (await wanted).Outputs);
    }

    /// <summary>Of every method, a request that is right but for naming a worker that is not there: who registers leases and delivers as it likes.</summary>
    private static IEnumerable<(string Method, IMessage Message)> Messages(string key, TaskResult result)
    {
        Wire.Step step = new() { Done = 1, Units = 7, Training = new() { Loss = 5.5, LearningRate = 1e-3, Tokens = 64, ElapsedTicks = 10_000 } };
        Wire.InnerState state = new() { DoneSteps = 2, Steps = 7 };
        Wire.CompleteRequest complete = new() { Worker = "absent", Incarnation = 1, Lease = 1, Key = key, Metrics = result.Metrics, ElapsedMilliseconds = 1000, Steps = { step } };
        foreach ((string name, BlobHash blob) in result.Outputs)
        {
            complete.Outputs[name] = state.Blobs[name] = ByteString.CopyFrom(Convert.FromHexString(blob.Hex));
        }

        ByteString hash = ByteString.CopyFrom(Convert.FromHexString(key));
        IMessage[] ofWorkers =
        [
            new Wire.GreetRequest(),
            new Wire.LeaseRequest { Worker = "absent", Incarnation = 1, Number = 1, Cached = { hash, hash }, Kept = { hash } },
            new Wire.HeartbeatRequest { Worker = "absent", Incarnation = 1, Lease = 1, Key = key, DoneFraction = 0.5, ElapsedMilliseconds = 1000, Steps = { step, step } },
            complete,
            new Wire.GiveBackRequest { Worker = "absent", Incarnation = 1, Lease = 1, Key = key, Reason = Wire.GiveBackRequest.Types.Reason.Leaving, Message = "stops", State = state, Steps = { step } },
            new Wire.LeaveRequest { Worker = "absent", Incarnation = 1 },
            new Wire.RegisterRequest { Worker = "new", Incarnation = 1, Version = WorkerVersion.Text, Device = "cpu", MemoryBytes = 1, FlopsPerSecond = 1e9, Fingerprint = "print", Slots = 1 },
        ];
        IMessage[] ofOperators =
        [
            new Wire.StatusRequest(),
            new Wire.FollowRequest { Name = "run", Session = 1, Next = 1 },
            new Wire.SubmitRequest { Name = "run", Configuration = "{}", ConfigurationYaml = "model: tiny", Journal = ByteString.CopyFromUtf8("{}\n"), Strict = true },
            new Wire.ChangeRequest { Name = "run", Wish = Wire.Wish.Pause },
            new Wire.FetchRequest { Name = "run" },
        ];
        return [.. ofOperators.Select(message => (MethodOf("dipaco.operator.v1.Operator", message), message)), .. ofWorkers.Select(message => (MethodOf("dipaco.worker.v1.Worker", message), message))];
    }

    private static string MethodOf(string service, IMessage request) => $"{service}/{request.Descriptor.Name[..^"Request".Length]}";

    private static async Task<StatusCode> AskAsync(SiloChannel channel, string method, byte[] request, CancellationToken cancellationToken)
    {
        Marshaller<byte[]> bytes = Marshallers.Create(message => message, message => message);
        string[] names = method.Split('/');
        try
        {
            // As a client that streams reads it, one that does not is answered too.
            using AsyncServerStreamingCall<byte[]> call = channel.Invoker.AsyncServerStreamingCall(
                new Method<byte[], byte[]>(MethodType.ServerStreaming, names[0], names[1], bytes, bytes), null, GrpcCalls.Options(TimeProvider.System, cancellationToken), request);
            while (await call.ResponseStream.MoveNext(cancellationToken))
            {
            }

            return StatusCode.OK;
        }
        catch (RpcException exception)
        {
            return exception.StatusCode;
        }
    }

    private static bool IsWellFormed(IMessage message, byte[] bytes)
    {
        try
        {
            message.Descriptor.Parser.ParseFrom(bytes);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
