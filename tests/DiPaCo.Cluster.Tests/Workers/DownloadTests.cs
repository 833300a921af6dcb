using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Tests;
using DiPaCo.Training;
using Xunit;

namespace DiPaCo.Cluster.Tests.Workers;

/// <summary>What real workers fetch of the versions that paths train from.</summary>
public sealed class DownloadTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private LabSilo _silo = null!;
    private BlobServer _blobs = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _silo = await LabSilo.StartAsync(Cancellation);
        _blobs = await BlobServer.StartAsync(_folder.File("server"), new BlobEndpointOptions(), _silo.Lab.Store);
    }

    public async ValueTask DisposeAsync()
    {
        await _blobs.DisposeAsync();
        await _silo.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(DownloadCodec.Bf16, 2)]
    [InlineData(DownloadCodec.Int8, 3.88)]
    [InlineData(DownloadCodec.Int4, 7.1)]
    public async Task AWorkerThatTrainedThePhaseBefore_FetchesWhatIsNew_AndOneThatDidNotFetchesTheWhole(DownloadCodec download, double times)
    {
        (TaskResult first, _) = await ComputeAsync("stays", _silo.Spec);
        TrainSpec next = await NextPhaseAsync(first, download);

        (TaskResult stayed, long fetchedByWhoStayed) = await ComputeAsync("stays", next);
        (TaskResult came, long fetchedByWhoCame) = await ComputeAsync("comes", next);

        TaskResult alone = await _silo.ComputeAsync(next, Cancellation);
        Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>(alone.Outputs, stayed.Outputs);
        Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>(alone.Outputs, came.Outputs);
        Assert.Equal(await BytesAsync(next.Model.Modules.Select(module => module.Delta?.Blob ?? module.Blob)), fetchedByWhoStayed);
        Assert.Equal(await BytesAsync(next.Inputs), fetchedByWhoCame);

        // Headers are a large part of so small files.
        long parameters = next.Model.Modules.Sum(module => ModuleLayout.Of(next.Model.Shape, module.Parts).Parameters);
        Assert.InRange(4.0 * parameters / fetchedByWhoStayed, 0.9 * times, times);
    }

    /// <summary>The task of the path's next phase, after outer steps of its modules.</summary>
    private async Task<TrainSpec> NextPhaseAsync(TaskResult trained, DownloadCodec download)
    {
        using LocalExecutor worker = TrainingLab.NewWorker();
        List<ModuleInput> modules = [];
        foreach (ModuleInput module in _silo.Spec.Model.Modules)
        {
            OuterSpec outer = new(
                _silo.Spec.Model.Shape, module, null, [new Contribution(new PathId(3), trained[module.Id.Name], 1)], new OuterStepOptions(0.7, 0.9, 1)) { Download = download };
            PublishedVersion version = outer.PublishedOf(await worker.ExecuteAsync(outer, _silo.Lab.Store, null, Cancellation))!;
            modules.Add(module with { Blob = version.Blob, Delta = version.Delta });
        }

        return _silo.Spec with { Model = _silo.Spec.Model with { Modules = [.. modules] }, Optimizer = trained[TrainSpec.OptimizerOutput], FirstStep = 9 };
    }

    /// <summary>Has a task computed by a worker with a cache of its own, over a connection.</summary>
    private async Task<(TaskResult Result, long Fetched)> ComputeAsync(string name, TrainSpec spec)
    {
        using BlobCache cache = await BlobCache.OpenAsync(_folder.File(name), 100 << 20, null, Cancellation);
        using HttpClient http = HttpBlobStore.CreateClient(_blobs.Address);
        using HttpBlobStore store = new(http, cache, new RemoteBlobOptions { Client = name }, TimeProvider.System);
        using LocalExecutor executor = TrainingLab.NewWorker();
        WorkerOffer offer = LabSilo.Offer(name) with { Incarnation = TimeProvider.System.GetTimestamp() };
        using WorkerAgent agent = new(
            _silo.Link, executor, new CachedBlobs(store), offer, new WorkerOptions { Slots = 1 }, SilentWorkerObserver.Instance, TimeProvider.System);
        using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task working = agent.RunAsync(done.Token);
        TaskResult result = await _silo.Executor().ExecuteAsync(spec, _silo.Lab.Store, null, Cancellation);
        await _silo.Executor().RecordedAsync(spec.Key());
        await done.CancelAsync();
        await working;
        return (result, store.Counts.BytesReceived);
    }

    private async Task<long> BytesAsync(IEnumerable<BlobHash> blobs)
    {
        long bytes = 0;
        foreach (BlobHash blob in blobs)
        {
            bytes += (await _silo.Lab.Store.FindAsync(blob, Cancellation))!.Value.Bytes;
        }

        return bytes;
    }
}
