using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Tests.Http;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Models;

/// <summary>A folder whose model is trained on while it is served.</summary>
public sealed class ModelSourceTests(TrainedRun run)
{
    private static readonly PathId First = new(0);

    private readonly CancellationToken _token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task ModulesOfAVersionBeforeAreFreedOnceNobodyUsesThem()
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, run.NewPath());
        using ModuleStore store = new(WeightType.Fp32, long.MaxValue);
        ModelSource source = await OpenAsync(model, store);
        LiveModel before = source.Current;
        ModuleLease held = await before.AcquireAsync(before.Grid.ModulesOf(First), _token);
        model.TrainOn();
        Assert.True(await source.RefreshAsync(_token));
        Assert.Equal(store.BytesOf(Modules(source.Current)) + store.BytesOf(before.Grid.ModulesOf(First)), store.Bytes);
        held.Dispose();
        Assert.False(await source.RefreshAsync(_token));
        Assert.Equal(store.BytesOf(Modules(source.Current)), store.Bytes);
    }

    [Fact]
    public async Task ANewVersionIsLoadedInThePlaceOfTheOneBefore()
    {
        // Version after version: memory has room for one.
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, run.NewPath());
        using ModuleStore store = new(WeightType.Fp32, BytesOfAll());
        ModelSource source = await OpenAsync(model, store);
        for (int version = 0; version < 3; version++)
        {
            model.TrainOn();
            Assert.True(await source.RefreshAsync(_token));
            long loads = store.Loads;
            foreach (PathId path in source.Current.Grid.Topology.Paths)
            {
                using ModuleLease lease = await source.Current.AcquireAsync(source.Current.Grid.ModulesOf(path), _token);
            }

            Assert.Equal(loads, store.Loads);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task AVersionForWhichThereIsNoProcessorIsReadAtFullSpeedAfterAWhile()
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, run.NewPath());
        ManualTime time = new();
        StarvedScheduler idle = new();
        using ModuleStore store = new(WeightType.Fp32, long.MaxValue, idle);
        ModelSource source = await OpenAsync(model, store, time);
        model.TrainOn();
        Task<bool> refreshing = source.RefreshAsync(_token);
        await ServedRun.EventuallyAsync(() => idle.Given > 0);
        time.Pass(ModelSource.Patience - TimeSpan.FromTicks(1));
        Assert.False(refreshing.IsCompleted);
        time.Pass(TimeSpan.FromTicks(1));
        Assert.True(await refreshing.WaitAsync(TestContext.Current.CancellationToken));
        Assert.Equal(1, source.Updates);
        Assert.Equal(store.BytesOf(Modules(source.Current)), store.Bytes);
    }

    [Fact]
    public async Task WhatIsInUseIsNotLetGoForAVersionThatIsLoadedAhead()
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, run.NewPath());
        using ModuleStore store = new(WeightType.Fp32, BytesOfAll());
        ModelSource source = await OpenAsync(model, store);
        LiveModel before = source.Current;
        using ModuleLease held = await before.AcquireAsync(before.Grid.ModulesOf(First), _token);
        model.TrainOn();
        Assert.True(await source.RefreshAsync(_token));
        long loads = store.Loads;
        using ModuleLease again = await before.AcquireAsync(before.Grid.ModulesOf(First), _token);
        Assert.Equal(loads, store.Loads);
        Assert.InRange(store.Bytes, 1, store.LimitBytes);
    }

    [Fact]
    public async Task TheSameDescriptionIsNoNewVersionAndAnyOtherIs()
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, run.NewPath());
        using ModuleStore store = new(WeightType.Fp32, long.MaxValue);
        ModelSource source = await OpenAsync(model, store);
        model.Describe(_ => { });
        Assert.False(await source.RefreshAsync(_token));

        // As at the end of a run, which trains token routers when the model is done; any file will do here, since nobody uses it.
        model.Describe(description => description["tokenRouters"] = new JsonArray(
            new JsonObject { ["blob"] = description["baseModel"]!.GetValue<string>(), ["windows"] = new JsonArray(16) }));
        Assert.True(await source.RefreshAsync(_token));
        Assert.Single(source.Current.TokenRouters);
        Assert.Equal(1, source.Updates);
    }

    [Theory]
    [InlineData("tokenizer")]
    [InlineData("prefix")]
    public async Task AnotherModelInTheFolderIsNotTakenUp(string change)
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, run.NewPath());
        using ModuleStore store = new(WeightType.Fp32, long.MaxValue);
        ModelSource source = await OpenAsync(model, store);
        LiveModel before = source.Current;
        model.Rewrite(manifest =>
        {
            JsonNode description = manifest["model"]!;
            if (change == "tokenizer")
            {
                description["tokenizer"] = model.Replace(manifest, description["tokenizer"]!.GetValue<string>(), bytes => [.. bytes, (byte)'\n']);
            }
            else
            {
                description["prefixTokens"] = 9;
            }
        });
        DiPaCoException refused = await Assert.ThrowsAsync<DiPaCoException>(() => source.RefreshAsync(_token));
        Assert.Contains("now holds a model of another", refused.Message, StringComparison.Ordinal);
        Assert.Same(before, source.Current);
    }

    [Fact]
    public async Task ASwitchOfPathsBeginsAtTheFirstBlockThatDiffers()
    {
        using ModuleStore store = new(WeightType.Fp32, long.MaxValue);
        LiveModel model = await LiveModel.OpenAsync(run.Grid, store, _token);
        PathId[] paths = [.. run.Grid.Topology.Paths];

        // Every path has a first block of its own; the embedding is everyone's.
        Assert.Equal(0, model.FirstDifference(paths[0], paths[1]));
        Assert.Equal(run.Grid.Description.Shape.Blocks, model.FirstDifference(paths[2], paths[2]));
    }

    [Fact]
    public async Task ADamagedBaseModelIsFoundBeforeAnybodyAsks()
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, run.NewPath());
        ServedGrid grid = ServedGrid.Open(model.Folder);
        string file = await grid.GetFileAsync(grid.Description.BaseModel, _token);
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
        using ModuleStore store = new(WeightType.Fp32, long.MaxValue);
        DiPaCoException damaged = await Assert.ThrowsAsync<DiPaCoException>(() => OpenAsync(model, store));
        Assert.Contains("damaged", damaged.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<GridModule> Modules(LiveModel model) => model.Grid.Topology.Paths.SelectMany(path => model.Grid.ModulesOf(path)).Append(model.Base).DistinctBy(module => module.Blob);

    private long BytesOfAll() => run.Grid.Topology.Modules.Append(ModelTopology.Dense(run.Grid.Description.Shape).Modules[0]).Sum(module => LoadedModule.BytesOf(module.Layout, WeightType.Fp32));

    private async Task<ModelSource> OpenAsync(ExportedModel model, ModuleStore store, TimeProvider? time = null)
    {
        ModelSource source = await ModelSource.OpenAsync(model.Folder, store, time ?? TimeProvider.System, _token);
        await ModelSource.PreloadAsync(source.Current, hurry: new CancellationToken(canceled: true), _token);
        return source;
    }
}
