using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using DiPaCo.Cli.Output;
using DiPaCo.Cluster;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Tasks;
using Spectre.Console;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco worker --join INVITATION</c>: compute tasks of a run on another machine.</summary>
internal static class WorkerCommand
{
    private const double GiB = 1L << 30;

    private static readonly TimeSpan DoorPatience = TimeSpan.FromSeconds(10);

    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Option<string> join = new("--join")
        {
            HelpName = "INVITATION", Description = "What 'dipaco train --listen' or 'dipaco token' prints; '-' reads it from standard input.", Required = true,
        };
        Option<string?> name = new("--name") { HelpName = "NAME", Description = "Name of this worker, the same each time it starts. Default: the machine's name." };
        Option<string> cache = new("--cache") { HelpName = "DIR", Description = "Folder for blobs.", DefaultValueFactory = _ => DefaultCache() };
        Option<double?> size = new("--cache-size") { HelpName = "GIB", Description = "Largest size of the cache, GiB. Default: 20." };
        Option<string> device = new("--device") { HelpName = "DEVICE", Description = "cpu, cuda, cuda:n or auto.", DefaultValueFactory = _ => "auto" };
        Option<int> threads = new("--threads") { HelpName = "N", Description = "Threads for arithmetic; 0: all cores." };
        Option<double?> grace = new("--grace") { HelpName = "SECONDS", Description = "Time to finish or hand over a task when asked to leave (Ctrl-C, SIGTERM). Default: 20." };
        Option<double?> patience = new("--patience") { HelpName = "MINUTES", Description = "How long the run may be out of reach before this worker gives up. Default: 60." };
        Option<double?> checkpoint = new("--checkpoint-every")
        {
            HelpName = "SECONDS", Description = "How often the state of a task is kept in the cache, so that a worker that is killed and comes back goes on from there; 0: never. Default: 5, or more seldom where that would cost more than a fiftieth of the time.",
        };
        Option<int?> slots = new("--slots") { HelpName = "N", Description = "Tasks held at once: one is computed while the inputs and outputs of the others travel. Default: 2." };
        Option<bool> outer = new("--outer-only") { Description = "Make outer steps only: for a worker beside the store, where contributions need not travel far. Others leave them to it." };
        Command command = new("worker", "Compute tasks of a run that listens on another machine.") { join, name, cache, size, device, threads, slots, grace, patience, checkpoint, outer };
        command.SetAction(async (parsed, cancellation) =>
        {
            string text = parsed.GetRequiredValue(join);
            Invitation invitation = await CommonOptions.InvitationAsync(text, cancellation);
            Settings settings = new(
                parsed.GetValue(name) ?? NameOf(Environment.MachineName), parsed.GetRequiredValue(cache), parsed.GetValue(size) ?? 20,
                parsed.GetRequiredValue(device), parsed.GetValue(threads), parsed.GetValue(outer), new WorkerOptions
                {
                    Slots = parsed.GetValue(slots) ?? 2,
                    Grace = TimeSpan.FromSeconds(parsed.GetValue(grace) ?? 20),
                    Patience = TimeSpan.FromMinutes(parsed.GetValue(patience) ?? 60),
                    CheckpointEvery = TimeSpan.FromSeconds(parsed.GetValue(checkpoint) ?? 5),
                    // Who says how often gets it that often.
                    CheckpointShare = parsed.GetValue(checkpoint) is null ? new WorkerOptions().CheckpointShare : 1,
                });
            return await RunAsync(services, invitation, settings, cancellation);
        });
        command.Validators.Add(result => Check(result, size, threads));
        command.Validators.Add(result => Check(result, grace, patience));
        command.Validators.Add(result =>
        {
            if (result.GetValue(slots) is { } held and not (>= 1 and <= 64))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"--slots is {held}; 1 to 64 were expected."));
            }

            if (result.GetValue(checkpoint) is { } seconds and not (>= 0 and <= 86_400))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"--checkpoint-every is {seconds}; 0 to 86400 seconds were expected."));
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(CliServices services, Invitation invitation, Settings settings, CancellationToken cancellation)
    {
        TextWriter output = services.Terminal.Standard.Profile.Out.Writer;
        using LocalMachine machine = LocalMachine.Open(settings.Device, settings.Threads, services.Clock);
        MachineSummary summary = machine.Describe();
        output.WriteLine($"{settings.Name}: {summary.Cores} cores, {summary.Simd}, {summary.Device}, {summary.MatrixFlopsPerSecond / 1e9:0} GFLOP/s; joins {invitation}");
        string fingerprint = await NumericsFingerprint.ComputeAsync(machine.Executor, cancellation);
        output.WriteLine($"numerics {NumericsFingerprint.Shortened(fingerprint)}");
        using BlobCache cache = await BlobCache.OpenAsync(settings.Cache, (long)(settings.CacheGiB * GiB), services.Clock, cancellation);
        Uri silo = invitation.Addresses.Length == 1 ? invitation.Addresses[0] : await FirstAsync(invitation, services.Clock, cancellation);
        using SiloChannel channel = new(silo, invitation, services.Clock);
        using HttpBlobStore store = new(channel.Http, cache, new RemoteBlobOptions { Client = settings.Name, Seed = settings.Name.GetHashCode(StringComparison.Ordinal) }, services.Clock);
        WorkerOffer offer = new(
            settings.Name, services.Clock.GetUtcNow().ToUnixTimeMilliseconds(), WorkerVersion.Text, summary.Device,
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, summary.MatrixFlopsPerSecond, fingerprint, settings.Options.Slots,
            OuterOnly: settings.OuterOnly);
        GrpcWorkerLink link = new(channel.Invoker, services.Clock);
        Lines lines = new(output, services.Clock);
        SiloDoor door = new(silo, invitation.Certificate, DoorPatience, services.Clock);
        CacheSpace space = CacheSpace.Of(settings.Cache, cache.MaximumBytes, cache.Bytes);
        await new WorkerPreflight(door, link, settings.Options, lines, services.Clock).RunAsync(offer, space, cancellation);
        WorkerCheckpoints checkpoints = new(cache, fingerprint, settings.Options, lines, services.Clock);
        using WorkerAgent agent = new(link, machine.Executor, new CachedBlobs(store), offer, settings.Options, lines, services.Clock, checkpoints);
        await agent.RunAsync(cancellation);
        output.WriteLine(TrafficOf(store.Counts));
        output.WriteLine("Left; what was not finished goes to other workers.");
        return ExitCodes.Success;
    }

    private static string TrafficOf(TransferCounts counts) =>
        $"fetched {Units.Bytes(counts.BytesReceived)}, sent {Units.Bytes(counts.BytesSent)}"
        + (counts.ModulesBuilt > 0 ? $", built {Units.Count(counts.ModulesBuilt, "module")} from differences" : "");

    /// <summary>A silo that opens; the first of them where none does now: the preflight says what is in the way, and tries again.</summary>
    private static async Task<Uri> FirstAsync(Invitation invitation, TimeProvider clock, CancellationToken cancellation)
    {
        try
        {
            return await CommonOptions.ReachableAsync(invitation, clock, cancellation);
        }
        catch (LinkException)
        {
            return invitation.Addresses[0];
        }
    }

    private static void Check(CommandResult result, Option<double?> size, Option<int> threads)
    {
        if (result.GetValue(size) is { } given and not (> 0 and < 1e6))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"--cache-size is {given}; a number of GiB above 0 was expected."));
        }

        if (result.GetValue(threads) is < 0 or > 4096)
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"--threads is {result.GetValue(threads)}; 0 to 4096 were expected."));
        }
    }

    private static void Check(CommandResult result, Option<double?> grace, Option<double?> patience)
    {
        if (result.GetValue(grace) is { } seconds and not (>= 0 and <= 86_400))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"--grace is {seconds}; 0 to 86400 seconds were expected."));
        }

        if (result.GetValue(patience) is { } minutes and not (>= 0 and <= 100_000))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"--patience is {minutes}; 0 to 100000 minutes were expected."));
        }
    }

    private static string DefaultCache() => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } folder ? folder : Path.GetTempPath(),
        "dipaco", "cache");

    /// <summary>Names of machines may hold what names of workers may not.</summary>
    private static string NameOf(string machine) => string.Concat(machine.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '-'));

    private sealed record Settings(string Name, string Cache, double CacheGiB, string Device, int Threads, bool OuterOnly, WorkerOptions Options);

    /// <summary>The worker's own lines.</summary>
    private sealed class Lines(TextWriter output, TimeProvider clock) : IWorkerObserver
    {
        private readonly Lock _lock = new();

        public void Observe(WorkerEvent happened)
        {
            string verb = happened.Kind switch
            {
                WorkerEventKind.Checked => "checked:",
                WorkerEventKind.Warned => "warning:",
                WorkerEventKind.Registered => "joined as",
                WorkerEventKind.Waiting => "waits:",
                WorkerEventKind.Unreachable => "no connection:",
                WorkerEventKind.Leased => "takes",
                WorkerEventKind.Delivered => "delivered",
                _ => "dropped",
            };
            lock (_lock)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[{clock.GetLocalNow():HH:mm:ss}] {verb} {SafeText.Of(happened.Text)}"));
                output.Flush();
            }
        }
    }
}
