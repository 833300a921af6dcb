using System.Net;
using DiPaCo.Core;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>
/// The cluster that a training process is by itself: a silo, a worker, and where it listens a door for workers elsewhere. The silo keeps its
/// state in the run's folder, so that the folder is still all that a run is.
/// </summary>
/// <param name="options">How.</param>
/// <param name="time">For leases; reaches no result.</param>
public sealed class SiloCluster(SiloClusterOptions options, TimeProvider time) : IRunCluster
{
    /// <summary>Where a run's silo keeps its state.</summary>
    /// <param name="run">The run's folder.</param>
    public static string StateFolderOf(string run) => Path.Combine(run, "silo");

    /// <inheritdoc/>
    public async Task<IRunExecution> BeginAsync(RunExecutionContext context, CancellationToken cancellationToken)
    {
        SiloOptions silo = new()
        {
            StateFolder = StateFolderOf(context.Folder),
            Listen = options.Listen,
            PublicHost = options.PublicHost,
            Certificate = options.Certificate,
            Insecure = options.Insecure,
            Lease = options.Lease,
            MaximumNormRatio = options.MaximumNormRatio,
            LargestTaskBytes = RunPlan.Of(context.Config, new PlanAssumptions()).Memory.Total,
        };
        string fingerprint = options.Listen is null ? "" : await NumericsFingerprint.ComputeAsync(context.Local, cancellationToken);
        SiloHost host = await SiloHost.StartAsync(silo, context.Store, time, cancellationToken);
        try
        {
            if (options.Listen is not null)
            {
                Invite(host, context.Observer);
            }

            return new Execution(host, context, options, fingerprint, time);
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    private void Invite(SiloHost host, IRunObserver observer)
    {
        (string token, TokenRecord record) = host.Tokens.Create(TokenRole.Worker, options.InvitationLifetime);
        Invitation invitation = host.InvitationFor(token);
        observer.Observe(new RunNote($"workers join with (until {record.Expires:u}):\n  {options.Program} worker --join {invitation.Write()}", IsWarning: false));
        if (options.Insecure && options.Listen is { } endpoint && !IPAddress.IsLoopback(endpoint.Address))
        {
            observer.Observe(new RunNote($"{endpoint} is open without TLS (--insecure): whoever can read the network can read the token and change what travels.", IsWarning: true));
        }
    }

    private sealed class Execution : IRunExecution
    {
        private readonly SiloHost _host;
        private readonly CancellationTokenSource _leave = new();
        private readonly Task _worker;
        private readonly Task _watch;

        public Execution(SiloHost host, RunExecutionContext context, SiloClusterOptions options, string fingerprint, TimeProvider time)
        {
            _host = host;
            Executor = new ClusterExecutor(
                Dispatcher, context.Config.Name, context.Config.Transformer.Compute, options.Strict ? NumericsFingerprint.For(fingerprint, context.Config.Transformer.Compute) : "", time,
                context.Observer);
            _worker = RunWorkerAsync(context, options, fingerprint, time);
            _watch = new WorkerWatch(Dispatcher, context.Config.Name, context.Observer, time).RunAsync(_leave.Token);
        }

        public ITaskExecutor Executor { get; }

        public async ValueTask DisposeAsync()
        {
            await _leave.CancelAsync();
            await _worker.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _watch;
            await _host.DisposeAsync();
            _leave.Dispose();
        }

        private IDispatcherGrain Dispatcher() => _host.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);

        /// <summary>Outer steps are made here even where paths are left to others: their inputs and outputs need not travel then.</summary>
        private async Task RunWorkerAsync(RunExecutionContext context, SiloClusterOptions options, string fingerprint, TimeProvider time)
        {
            WorkerOffer offer = new(
                Api.WireMapping.OwnWorker, time.GetUtcNow().ToUnixTimeMilliseconds(), WorkerVersion.Text, options.TrainsItself ? "this process" : "this process, outer steps only",
                GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, FlopsPerSecond: 0, fingerprint, Slots: 1, HasStore: true,
                OuterOnly: !options.TrainsItself);
            using WorkerAgent agent = new(
                _host.Link, context.Local, new SharedBlobs(context.Store), offer, new WorkerOptions { Slots = 1, Grace = TimeSpan.Zero }, options.Observer, time);
            try
            {
                await agent.RunAsync(_leave.Token);
            }
            catch (DiPaCoException exception)
            {
                context.Observer.Observe(new RunNote($"The worker of this process has ended: {exception.Message}", IsWarning: true));
            }
        }
    }
}
