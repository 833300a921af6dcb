using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Cluster.Tests.Workers;

/// <summary>What a worker keeps of a task under way, and finds again when it comes back.</summary>
public sealed class WorkerCheckpointTests : IDisposable
{
    private static readonly WorkerOptions Always = new() { CheckpointEvery = TimeSpan.FromTicks(1) };

    private readonly TrainingLab _lab = new();
    private readonly TemporaryFolder _folder = new();
    private readonly EventList _events = new();
    private readonly StandingTime _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _lab.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task AWorkerThatComesBack_GoesOnFromTheLastStateThatItKept()
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        TaskResult whole = await ComputeAsync(spec, null, null);
        using (BlobCache cache = await OpenAsync())
        {
            await ComputeAsync(spec, null, Checkpoints(cache).Of(spec.Key()));
        }

        using BlobCache again = await OpenAsync();
        InnerState state = Checkpoints(again).Find(spec.Key())!;
        Assert.Equal((TrainingLab.Steps - 1, TrainingLab.Steps), (state.DoneSteps, state.Steps));
        foreach ((string name, BlobHash blob) in state.Blobs)
        {
            using BlobLease lease = (await again.TryLeaseAsync(blob, Cancellation))!;
            await _lab.Store.PutAsync(await File.ReadAllBytesAsync(lease.Path, Cancellation), Cancellation);
            Assert.True(name.Length > 0);
        }

        TaskResult rest = await ComputeAsync(spec, state, null);
        Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>(whole.Outputs, rest.Outputs);
        Assert.Equal(whole.Metrics, rest.Metrics);
    }

    [Fact]
    public async Task TheCacheHoldsOneStateOfATask_AndNoneOnceItIsForgotten()
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        using BlobCache cache = await OpenAsync();
        WorkerCheckpoints checkpoints = Checkpoints(cache);

        await ComputeAsync(spec, null, checkpoints.Of(spec.Key()));
        Assert.Equal(checkpoints.Find(spec.Key())!.Blobs.Values.ToHashSet(), cache.LastUsed(100).ToHashSet());
        Assert.Equal([spec.Key().Hex], checkpoints.Newest(32));
        checkpoints.Forget(spec.Key());

        Assert.Null(checkpoints.Find(spec.Key()));
        Assert.Empty(checkpoints.Newest(32));
        Assert.Equal(0, cache.Bytes);
    }

    [Theory]
    [InlineData("not JSON")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"fingerprint":"print","doneSteps":7,"steps":7,"blobs":{}}""")]
    [InlineData("""{"fingerprint":"print","doneSteps":0,"steps":7,"blobs":{}}""")]
    [InlineData("""{"fingerprint":"another","doneSteps":3,"steps":7,"blobs":{}}""")]
    [InlineData("""{"fingerprint":"print","doneSteps":3,"steps":7,"blobs":{"lower":"../../etc/passwd"}}""")]
    public async Task WhatCannotBeGoneOnFrom_IsNotFound(string content)
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        using BlobCache cache = await OpenAsync();
        Directory.CreateDirectory(Path.Combine(cache.Folder, "checkpoints"));
        await File.WriteAllTextAsync(Path.Combine(cache.Folder, "checkpoints", $"{spec.Key()}.json"), content, Cancellation);

        Assert.Null(Checkpoints(cache).Find(spec.Key()));
        Assert.Empty(Checkpoints(cache).Newest(32));
    }

    [Fact]
    public async Task WhereAStateHasNoRoom_TheTaskGoesOn_AndTheWorkerSaysSo()
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        using BlobCache cache = await OpenAsync(bytes: 1000);

        ITaskCheckpoints keeper = Checkpoints(cache).Of(spec.Key())!;
        _time.Now++;
        Assert.True(keeper.IsDue);
        TaskResult result = await ComputeAsync(spec, null, keeper);

        Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>((await ComputeAsync(spec, null, null)).Outputs, result.Outputs);
        Assert.Contains("does not fit", _events.Of(WorkerEventKind.Warned).First(), StringComparison.Ordinal);
        Assert.Null(Checkpoints(cache).Find(spec.Key()));
        _time.Now += TimeSpan.TicksPerDay;
        Assert.False(keeper.IsDue, "It would fail again after every step.");
    }

    [Fact]
    public async Task ATaskOfWhichNothingWasKept_CanBeForgotten()
    {
        using BlobCache cache = await OpenAsync();

        Checkpoints(cache).Forget(new TaskKey(BlobHash.Of([1]).Hex));

        Assert.Empty(_events.Of(WorkerEventKind.Warned));
    }

    [Fact]
    public async Task WhoWantsNoStates_KeepsNone()
    {
        using BlobCache cache = await OpenAsync();

        Assert.Null(new WorkerCheckpoints(cache, "print", new WorkerOptions { CheckpointEvery = TimeSpan.Zero }, _events, _time).Of(new TaskKey(BlobHash.Of([1]).Hex)));
    }

    private Task<BlobCache> OpenAsync(long bytes = 100 << 20) => BlobCache.OpenAsync(_folder.File("cache"), bytes, null, Cancellation);

    private WorkerCheckpoints Checkpoints(BlobCache cache) => new(cache, "print", Always, _events, _time);

    private async Task<TaskResult> ComputeAsync(TrainSpec spec, InnerState? from, ITaskCheckpoints? checkpoints)
    {
        using LocalExecutor worker = TrainingLab.NewWorker();
        return (await worker.ExecuteAsync(spec, from, new StepLimit { Checkpoints = checkpoints is null ? null : new Eager(checkpoints) }, _lab.Store, null, Cancellation)).Result!;
    }

    /// <summary>A clock that moves when it is told to.</summary>
    private sealed class StandingTime : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }

    /// <summary>Keeps the state after every step, whatever the clock says.</summary>
    private sealed class Eager(ITaskCheckpoints checkpoints) : ITaskCheckpoints
    {
        public bool IsDue => true;

        public Task KeepAsync(Func<IBlobSink, CancellationToken, Task<InnerState>> save, CancellationToken cancellationToken) => checkpoints.KeepAsync(save, cancellationToken);
    }
}
