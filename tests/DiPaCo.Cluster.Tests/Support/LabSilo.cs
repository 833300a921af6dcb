using System.Collections.Immutable;
using System.Net;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Tests;

namespace DiPaCo.Cluster.Tests.Support;

/// <summary>A real silo whose blobs are those of a lab, so that its tasks can be computed for good.</summary>
internal sealed class LabSilo : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();

    private LabSilo(TrainingLab lab, TrainSpec spec)
    {
        Lab = lab;
        Spec = spec;
    }

    public TrainingLab Lab { get; }

    /// <summary>A training task of path 3.</summary>
    public TrainSpec Spec { get; }

    public SiloHost Host { get; private set; } = null!;

    public IWorkerLink Link => Host.Link;

    public IDispatcherGrain Dispatcher => Host.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);

    public static async Task<LabSilo> StartAsync(CancellationToken cancellationToken, double maximumNormRatio = 10)
    {
        TrainingLab lab = new();
        LabSilo silo = new(lab, await lab.SpecAsync(ComputeType.Fp32, cancellationToken));
        SiloOptions options = new()
        {
            StateFolder = silo._folder.File("silo"), Listen = new IPEndPoint(IPAddress.Loopback, 0), Lease = TimeSpan.FromSeconds(30), MaximumNormRatio = maximumNormRatio,
        };
        silo.Host = await SiloHost.StartAsync(options, lab.Store, TimeProvider.System, cancellationToken);
        return silo;
    }

    public ClusterExecutor Executor(string run = "run") => new(() => Dispatcher, run, ComputeType.Fp32, "", TimeProvider.System);

    public static WorkerOffer Offer(string name, long memory = 1L << 30) => new(name, 1, WorkerVersion.Text, "cpu", memory, 1e9, "print", 1);

    /// <summary>The result as an undisturbed worker computes it.</summary>
    public async Task<TaskResult> ComputeAsync(TaskSpec spec, CancellationToken cancellationToken)
    {
        using LocalExecutor worker = TrainingLab.NewWorker();
        return await worker.ExecuteAsync(spec, Lab.Store, null, cancellationToken);
    }

    /// <summary>A lease of a worker; its number is that of its questions.</summary>
    public async Task<LeasedTask> LeaseAsync(string worker, long number, CancellationToken cancellationToken) =>
        (await Link.LeaseAsync(new LeaseQuestion(worker, 1, number, []), cancellationToken)).Task!;

    public Task<DeliveryOutcome> DeliverAsync(string worker, LeasedTask leased, TaskResult result, CancellationToken cancellationToken) => Link.CompleteAsync(
        worker, 1, leased.Lease, leased.Key,
        new TaskDelivery(
            result.Outputs.ToImmutableSortedDictionary(output => output.Key, output => output.Value.Hex, StringComparer.Ordinal), result.Metrics, TimeSpan.Zero,
            StepBatch.None),
        cancellationToken);

    public async Task<WorkerStatus> StatusOfAsync(string worker) => (await Dispatcher.StatusAsync()).Workers.Single(line => line.Worker == worker);

    /// <summary>The same paths as the recipe orders them: all through the same modules.</summary>
    public TrainSpec PathOf(int path) => Spec with { Order = path };

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        Lab.Dispose();
        _folder.Dispose();
    }
}
