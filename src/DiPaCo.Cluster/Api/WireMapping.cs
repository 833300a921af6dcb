using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace DiPaCo.Cluster.Api;

/// <summary>Between the messages on the wire and the types of this assembly. What comes from the wire is checked here.</summary>
internal static class WireMapping
{
    /// <summary>Name of the silo's own worker, which no message may have.</summary>
    public const string OwnWorker = "@here";

    // Two heartbeats of a very fast task; more is no progress but an attack on memory.
    private const int MostSteps = 20_000;

    public static Wire.GreetReply ToWire(Greeting greeting) => new()
    {
        Version = greeting.Version,
        UnixMilliseconds = greeting.Clock.ToUnixTimeMilliseconds(),
        LargestTaskBytes = greeting.LargestTaskBytes,
        MedianFlopsPerSecond = greeting.MedianFlopsPerSecond,
    };

    public static Greeting FromWire(Wire.GreetReply reply) => new(
        reply.Version, Moment(reply.UnixMilliseconds), Math.Max(0, reply.LargestTaskBytes),
        double.IsFinite(reply.MedianFlopsPerSecond) ? Math.Max(0, reply.MedianFlopsPerSecond) : 0);

    public static Wire.RunLine ToWire(RunLine line) => new()
    {
        Name = line.Run,
        Life = line.Life.ToString().ToLowerInvariant(),
        SinceUnixMilliseconds = line.Since.ToUnixTimeMilliseconds(),
        Doing = line.Doing,
        Silo = line.Silo,
    };

    public static RunLine FromWire(Wire.RunLine line) => new(
        line.Name, Enum.TryParse(line.Life, ignoreCase: true, out RunLife life) ? life : RunLife.None, Moment(line.SinceUnixMilliseconds), line.Doing, line.Silo);

    /// <summary>A silo's time; the nearest that there is where it sends nonsense.</summary>
    public static DateTimeOffset Moment(long unixMilliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(unixMilliseconds, 0, 253_402_300_799_999));

    public static Wire.RegisterRequest ToWire(WorkerOffer offer) => new()
    {
        Worker = offer.Worker,
        Incarnation = offer.Incarnation,
        Version = offer.Version,
        Device = offer.Device,
        MemoryBytes = offer.MemoryBytes,
        FlopsPerSecond = offer.FlopsPerSecond,
        Fingerprint = offer.Fingerprint,
        Slots = offer.Slots,
        OuterOnly = offer.OuterOnly,
    };

    public static WorkerOffer FromWire(Wire.RegisterRequest request)
    {
        Check(request.Incarnation > 0, "incarnation", request.Incarnation, "a positive number");
        Check(request.Version.Length <= 128, "version", request.Version.Length, "at most 128 characters");
        Check(request.Device.Length <= 128, "device", request.Device.Length, "at most 128 characters");
        Check(request.MemoryBytes > 0, "memory_bytes", request.MemoryBytes, "a positive number");
        Check(double.IsFinite(request.FlopsPerSecond) && request.FlopsPerSecond >= 0, "flops_per_second", request.FlopsPerSecond, "a finite number of at least 0");
        Check(request.Fingerprint.Length <= 256, "fingerprint", request.Fingerprint.Length, "at most 256 characters");
        Check(request.Slots is > 0 and <= 64, "slots", request.Slots, "1 to 64");
        return new WorkerOffer(
            WorkerOf(request.Worker), request.Incarnation, request.Version, request.Device, request.MemoryBytes, request.FlopsPerSecond, request.Fingerprint, request.Slots,
            OuterOnly: request.OuterOnly);
    }

    public static Wire.LeasedTask ToWire(LeasedTask task) => new()
    {
        Lease = task.Lease,
        Run = task.Run,
        Key = task.Key,
        Kind = task.Kind,
        Spec = UnsafeByteOperations.UnsafeWrap(task.Spec),
        HeartbeatMilliseconds = (int)task.HeartbeatEvery.TotalMilliseconds,
        ExpectedMilliseconds = (long)task.Expected.TotalMilliseconds,
        From = task.From is { } state ? ToWire(state) : null,
        Share = task.Share,
    };

    public static LeasedTask FromWire(Wire.LeasedTask task)
    {
        Check(BlobHash.TryParse(task.Key, out _), "key", task.Key, "64 hexadecimal digits");
        Check(task.HeartbeatMilliseconds > 0, "heartbeat_milliseconds", task.HeartbeatMilliseconds, "a positive number");
        return new LeasedTask(
            task.Lease, task.Run, task.Key, task.Kind, task.Spec.ToByteArray(),
            TimeSpan.FromMilliseconds(task.HeartbeatMilliseconds), Duration(task.ExpectedMilliseconds),
            FromWire(task.From), task.Share is > 0 and <= 1 ? task.Share : 1);
    }

    public static Wire.InnerState ToWire(HandOver state)
    {
        Wire.InnerState message = new() { DoneSteps = state.DoneSteps, Steps = state.Steps };
        foreach ((string name, string hash) in state.Blobs)
        {
            message.Blobs[name] = UnsafeByteOperations.UnsafeWrap(Convert.FromHexString(hash));
        }

        return message;
    }

    public static HandOver? FromWire(Wire.InnerState? state)
    {
        if (state is null)
        {
            return null;
        }

        Check(state.DoneSteps > 0 && state.DoneSteps < state.Steps, "done_steps", state.DoneSteps, "more than 0 and fewer than all");
        return new HandOver(state.DoneSteps, state.Steps, BlobsFromWire("blobs", state.Blobs));
    }

    public static Wire.GiveBackRequest ToWire(string worker, long incarnation, long lease, string key, GivenBack given)
    {
        Wire.GiveBackRequest request = new()
        {
            Worker = worker,
            Incarnation = incarnation,
            Lease = lease,
            Key = key,
            Reason = ToWire(given.Reason),
            Message = given.Message,
            State = given.State is { } state ? ToWire(state) : null,
            FirstStep = given.Progress?.First ?? 0,
        };
        request.Steps.AddRange(ToWire(given.Progress ?? StepBatch.None));
        return request;
    }

    public static GivenBack FromWire(Wire.GiveBackRequest request)
    {
        Check(BlobHash.TryParse(request.Key, out _), "key", request.Key, "64 hexadecimal digits");
        return new GivenBack(FromWire(request.Reason), request.Message, FromWire(request.State), FromWire(request.FirstStep, request.Steps));
    }

    public static Wire.LeaseRequest ToWire(LeaseQuestion question)
    {
        Wire.LeaseRequest request = new() { Worker = question.Worker, Incarnation = question.Incarnation, Number = question.Number };
        request.Cached.AddRange(HashesToWire(question.Cached));
        request.Kept.AddRange(HashesToWire(question.Kept));
        return request;
    }

    public static LeaseQuestion FromWire(Wire.LeaseRequest request) =>
        new(WorkerOf(request.Worker), request.Incarnation, request.Number, HashesFromWire("cached", request.Cached, LeaseQuestion.MostCached))
        {
            Kept = HashesFromWire("kept", request.Kept, LeaseQuestion.MostKept),
        };

    private static IEnumerable<ByteString> HashesToWire(ImmutableArray<string> hashes) =>
        hashes.Select(hash => UnsafeByteOperations.UnsafeWrap(Convert.FromHexString(hash)));

    private static ImmutableArray<string> HashesFromWire(string field, RepeatedField<ByteString> hashes, int most)
    {
        Check(hashes.Count <= most, field, hashes.Count, $"at most {most}");
        return [.. hashes.Select(HashFromWire)];
    }

    public static IEnumerable<Wire.Step> ToWire(StepBatch batch) => batch.Steps.Select(step => new Wire.Step
    {
        Done = step.Done,
        Units = step.Units,
        Training = step.Training is not { } made ? null : new Wire.TrainingStep
        {
            Loss = made.Loss,
            LearningRate = made.LearningRate,
            GradientNorm = made.GradientNorm,
            Tokens = made.Tokens,
            Flops = made.Flops,
            ElapsedTicks = made.Elapsed.Ticks,
            DataWaitTicks = made.DataWait.Ticks,
        },
    });

    public static StepBatch FromWire(long first, IReadOnlyCollection<Wire.Step> steps)
    {
        Check(first >= 0, "first_step", first, "a number of at least 0");
        Check(steps.Count <= MostSteps, "steps", steps.Count, $"at most {MostSteps:N0}");
        return new StepBatch(first, [.. steps.Select(step => new StepReport(Math.Max(0, step.Done), Math.Max(0, step.Units), FromWire(step.Training)))]);
    }

    public static TaskDelivery FromWire(Wire.CompleteRequest request)
    {
        Check(BlobHash.TryParse(request.Key, out _), "key", request.Key, "64 hexadecimal digits");
        return new TaskDelivery(
            BlobsFromWire("outputs", request.Outputs), request.Metrics, Duration(request.ElapsedMilliseconds), FromWire(request.FirstStep, request.Steps));
    }

    public static Wire.GiveBackRequest.Types.Reason ToWire(GiveBackReason reason) => reason switch
    {
        GiveBackReason.Leaving => Wire.GiveBackRequest.Types.Reason.Leaving,
        GiveBackReason.NonFinite => Wire.GiveBackRequest.Types.Reason.NonFinite,
        GiveBackReason.Impossible => Wire.GiveBackRequest.Types.Reason.Impossible,
        GiveBackReason.Unexpected => Wire.GiveBackRequest.Types.Reason.Unexpected,
        _ => Wire.GiveBackRequest.Types.Reason.Failed,
    };

    public static GiveBackReason FromWire(Wire.GiveBackRequest.Types.Reason reason) => reason switch
    {
        Wire.GiveBackRequest.Types.Reason.Leaving => GiveBackReason.Leaving,
        Wire.GiveBackRequest.Types.Reason.NonFinite => GiveBackReason.NonFinite,
        Wire.GiveBackRequest.Types.Reason.Impossible => GiveBackReason.Impossible,
        Wire.GiveBackRequest.Types.Reason.Unexpected => GiveBackReason.Unexpected,
        _ => GiveBackReason.Failed,
    };

    public static Wire.CompleteReply.Types.Verdict ToWire(CompletionVerdict verdict) => verdict switch
    {
        CompletionVerdict.Taken => Wire.CompleteReply.Types.Verdict.Taken,
        CompletionVerdict.Known => Wire.CompleteReply.Types.Verdict.Known,
        CompletionVerdict.Contradiction => Wire.CompleteReply.Types.Verdict.Contradiction,
        CompletionVerdict.Refused => Wire.CompleteReply.Types.Verdict.Refused,
        CompletionVerdict.Unknown => Wire.CompleteReply.Types.Verdict.Unknown,
        _ => Wire.CompleteReply.Types.Verdict.NotWanted,
    };

    public static CompletionVerdict FromWire(Wire.CompleteReply.Types.Verdict verdict) => verdict switch
    {
        Wire.CompleteReply.Types.Verdict.Taken => CompletionVerdict.Taken,
        Wire.CompleteReply.Types.Verdict.Known => CompletionVerdict.Known,
        Wire.CompleteReply.Types.Verdict.Contradiction => CompletionVerdict.Contradiction,
        Wire.CompleteReply.Types.Verdict.Refused => CompletionVerdict.Refused,
        Wire.CompleteReply.Types.Verdict.Unknown => CompletionVerdict.Unknown,
        _ => CompletionVerdict.NotWanted,
    };

    public static Wire.HeartbeatRequest ToWire(HeartbeatNote note)
    {
        Wire.HeartbeatRequest request = new()
        {
            Worker = note.Worker,
            Incarnation = note.Incarnation,
            Lease = note.Lease,
            Key = note.Key,
            DoneFraction = note.DoneFraction,
            ElapsedMilliseconds = (long)note.Elapsed.TotalMilliseconds,
            FirstStep = note.Progress.First,
        };
        request.Steps.AddRange(ToWire(note.Progress));
        return request;
    }

    public static HeartbeatNote FromWire(Wire.HeartbeatRequest request)
    {
        Check(BlobHash.TryParse(request.Key, out _), "key", request.Key, "64 hexadecimal digits");
        Check(double.IsFinite(request.DoneFraction), "done_fraction", request.DoneFraction, "a finite number");
        return new HeartbeatNote(
            WorkerOf(request.Worker), request.Incarnation, request.Lease, request.Key, Math.Clamp(request.DoneFraction, 0, 1), Duration(request.ElapsedMilliseconds),
            FromWire(request.FirstStep, request.Steps));
    }

    public static Wire.HeartbeatReply ToWire(HeartbeatOutcome outcome) => new()
    {
        Lease = outcome.Lease,
        Reason = outcome.Reason,
        Verdict = outcome.Verdict switch
        {
            HeartbeatVerdict.Continue => Wire.HeartbeatReply.Types.Verdict.Continue,
            HeartbeatVerdict.HandBack => Wire.HeartbeatReply.Types.Verdict.HandBack,
            HeartbeatVerdict.Unknown => Wire.HeartbeatReply.Types.Verdict.Unknown,
            _ => Wire.HeartbeatReply.Types.Verdict.Lost,
        },
    };

    public static HeartbeatOutcome FromWire(Wire.HeartbeatReply reply) => new(
        reply.Lease,
        reply.Verdict switch
        {
            Wire.HeartbeatReply.Types.Verdict.Continue => HeartbeatVerdict.Continue,
            Wire.HeartbeatReply.Types.Verdict.HandBack => HeartbeatVerdict.HandBack,
            Wire.HeartbeatReply.Types.Verdict.Unknown => HeartbeatVerdict.Unknown,
            _ => HeartbeatVerdict.Lost,
        },
        reply.Reason);

    /// <summary>Some workers' clocks jump; a duration is never negative nor longer than a year.</summary>
    private static TimeSpan Duration(long milliseconds) => TimeSpan.FromMilliseconds(Math.Clamp(milliseconds, 0, 31_536_000_000));

    private static TrainingReport? FromWire(Wire.TrainingStep? step) => step is null ? null : new TrainingReport(
        step.Loss, step.LearningRate, step.GradientNorm, step.Tokens, step.Flops, TimeSpan.FromTicks(step.ElapsedTicks), TimeSpan.FromTicks(step.DataWaitTicks));

    private static ImmutableSortedDictionary<string, string> BlobsFromWire(string field, MapField<string, ByteString> blobs)
    {
        Check(blobs.Count <= 100_000, field, blobs.Count, "at most 100,000");
        Check(blobs.Keys.All(name => name.Length is > 0 and <= 256), field, "(a name)", "1 to 256 characters");
        return blobs.ToImmutableSortedDictionary(blob => blob.Key, blob => HashFromWire(blob.Value), StringComparer.Ordinal);
    }

    private static string HashFromWire(ByteString hash)
    {
        Check(hash.Length == 32, "hash", hash.Length, "32 bytes");
        return Convert.ToHexStringLower(hash.Span);
    }

    /// <summary>A worker's name. <see cref="OwnWorker"/> is none: nobody speaks in its name from outside.</summary>
    public static string WorkerOf(string name)
    {
        Check(name.Length is > 0 and <= 128, "worker", name.Length, "1 to 128 characters");
        Check(name.All(IsNameCharacter), "worker", name, "letters, digits, '-', '_', '.' and ':'");
        return name;
    }

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':';

    private static void Check(bool holds, string field, object value, string expected)
    {
        if (!holds)
        {
            throw new DiPaCoException(FormattableString.Invariant($"The message's field '{field}' is {value}; expected: {expected}."));
        }
    }
}
