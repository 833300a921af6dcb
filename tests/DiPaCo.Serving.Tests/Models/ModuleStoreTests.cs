using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Models;

public sealed class ModuleStoreTests(TrainedRun run)
{
    private readonly CancellationToken _token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task AModuleIsInMemoryOnceWhateverNumberOfPathsUsesIt()
    {
        using ModuleStore store = new(WeightType.Fp32, long.MaxValue);
        foreach (PathId path in run.Grid.Topology.Paths)
        {
            using ModuleLease lease = await AcquireAsync(store, path);
        }

        Assert.Equal(run.Grid.Topology.Modules.Length, store.Count);
        Assert.Equal(run.Grid.Topology.Modules.Length, store.Loads);
        Assert.Equal(run.Grid.Topology.Modules.Sum(module => LoadedModule.BytesOf(module.Layout, WeightType.Fp32)), store.Bytes);
    }

    [Fact]
    public async Task WhatWasLongestUnusedMakesRoomUnderTheLimit()
    {
        long limit = BytesOf(0, 1);
        using ModuleStore store = new(WeightType.Fp32, limit);
        for (int round = 0; round < 3; round++)
        {
            foreach (PathId path in run.Grid.Topology.Paths)
            {
                using ModuleLease lease = await AcquireAsync(store, path);
                Assert.InRange(store.Bytes, 1, limit);
            }
        }

        Assert.True(store.Loads > run.Grid.Topology.Modules.Length);
        long loads = store.Loads;
        using ModuleLease last = await AcquireAsync(store, run.Grid.Topology.Paths[^1]);
        Assert.Equal(loads, store.Loads);
    }

    [Fact]
    public async Task WhoNeedsMoreThanFitsBesideWhatIsInUseWaitsForIt()
    {
        using ModuleStore store = new(WeightType.Fp32, Math.Max(BytesOf(0), BytesOf(3)));
        ModuleLease first = await AcquireAsync(store, new PathId(0));
        Task<ModuleLease> second = AcquireAsync(store, new PathId(3));
        Assert.False(second.IsCompleted);
        first.Dispose();
        first.Dispose();
        using ModuleLease lease = await second;
        Assert.Equal(run.Grid.ModulesOf(new PathId(3)).Length, lease.Modules.Length);
    }

    [Fact]
    public async Task WhoAsksLaterWaitsBehindWhoWaitsAlready()
    {
        // Path 0 is in use all the time, by one after the other: without an order path 3 would never get its turn.
        using ModuleStore store = new(WeightType.Fp32, Math.Max(BytesOf(0), BytesOf(3)));
        ModuleLease first = await AcquireAsync(store, new PathId(0));
        Task<ModuleLease> other = AcquireAsync(store, new PathId(3));
        Task<ModuleLease> later = AcquireAsync(store, new PathId(0));
        Assert.Null(store.TryAcquireAsync(run.Grid, run.Grid.ModulesOf(new PathId(0))));
        Assert.Equal((false, false, 2), (other.IsCompleted, later.IsCompleted, store.Waiting));
        first.Dispose();
        ModuleLease second = await other;
        Assert.Equal((false, 1), (later.IsCompleted, store.Waiting));
        second.Dispose();
        (await later).Dispose();
        Assert.Equal(0, store.Waiting);
    }

    [Fact]
    public async Task WhoGivesUpHoldsUpNobody()
    {
        using ModuleStore store = new(WeightType.Fp32, Math.Max(BytesOf(0), BytesOf(3)));
        using ModuleLease first = await AcquireAsync(store, new PathId(0));
        using CancellationTokenSource leave = new();
        Task<ModuleLease> other = store.AcquireAsync(run.Grid, run.Grid.ModulesOf(new PathId(3)), leave.Token);
        Task<ModuleLease> later = AcquireAsync(store, new PathId(0));
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other);
        (await later).Dispose();
    }

    [Fact]
    public async Task NothingIsLetGoForWhatDoesNotFitThenEither()
    {
        Assert.True(BytesOf(0, 3) > BytesOf(0, 1), "The paths fit beside each other, so the test shows nothing.");
        using ModuleStore store = new(WeightType.Fp32, BytesOf(0, 1));
        ModuleLease held = await AcquireAsync(store, new PathId(0));
        (await AcquireAsync(store, new PathId(1))).Dispose();
        int modules = store.Count;
        Task<ModuleLease> waiting = AcquireAsync(store, new PathId(3));
        Assert.False(waiting.IsCompleted);
        Assert.Equal(modules, store.Count);
        held.Dispose();
        (await waiting).Dispose();
    }

    [Theory(Timeout = 120_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhoWaitsForAModuleThatIsReadIdlyOrForItsRoomDoesNotWaitForTheIdleThread(bool same)
    {
        StarvedScheduler idle = new();
        using ModuleStore store = new(WeightType.Fp32, Math.Max(BytesOf(0), BytesOf(3)), idle);
        Task<ModuleLease> ahead = store.TryAcquireAsync(run.Grid, run.Grid.ModulesOf(new PathId(0)), idly: true)!;
        Assert.False(ahead.IsCompleted);
        Task<ModuleLease> asked = AcquireAsync(store, new PathId(same ? 0 : 3));
        (await ahead.WaitAsync(TestContext.Current.CancellationToken)).Dispose();
        using ModuleLease lease = await asked.WaitAsync(_token);
        Assert.Equal(run.Grid.ModulesOf(new PathId(0)).Length, lease.Modules.Length);
        Assert.InRange(store.Bytes, 1, store.LimitBytes);
    }

    [Fact]
    public async Task WhatNeverFitsIsRefusedWithBothNumbers()
    {
        using ModuleStore store = new(WeightType.Fp32, 1000);
        DiPaCoException refused = await Assert.ThrowsAsync<DiPaCoException>(() => AcquireAsync(store, new PathId(0)));
        Assert.Contains("--memory", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileThatCannotBeReadIsAskedForAgain()
    {
        using ModuleStore store = new(WeightType.Fp32, long.MaxValue);
        GridModule module = run.Grid.ModulesOf(new PathId(0))[0];
        ImmutableArray<GridModule> missing = [module with { Blob = BlobHash.Of([1, 2, 3]) }];
        await Assert.ThrowsAnyAsync<DiPaCoException>(() => store.AcquireAsync(run.Grid, missing, _token));
        await Assert.ThrowsAnyAsync<DiPaCoException>(() => store.AcquireAsync(run.Grid, missing, _token));
        Assert.Equal(0, store.Bytes);
        Assert.Equal(2, store.Loads);
    }

    private Task<ModuleLease> AcquireAsync(ModuleStore store, PathId path) => store.AcquireAsync(run.Grid, run.Grid.ModulesOf(path), _token);

    private long BytesOf(params ReadOnlySpan<int> paths)
    {
        Dictionary<BlobHash, long> bytes = [];
        foreach (int path in paths)
        {
            foreach (GridModule module in run.Grid.ModulesOf(new PathId(path)))
            {
                bytes[module.Blob] = LoadedModule.BytesOf(module.Definition.Layout, WeightType.Fp32);
            }
        }

        return bytes.Values.Sum();
    }
}
