using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>A server whose memory holds only a part of the weights.</summary>
[Collection(nameof(ServedRunTests))]
public sealed class WeightLimitTests(ServedRun served)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ReroutingSequencesThatWaitForRoomDoNotWaitForEachOther(bool roomForBoth)
    {
        long limit = roomForBoth ? LargestPath() + Router() : Math.Max(LargestPath(), Router());
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { WeightBytes = limit });
        JsonNode[] narrow = await Task.WhenAll(Enumerable.Range(0, 12).Select(seed => own.PostAsync("/v1/completions", Rerouted(seed))));
        JsonNode[] wide = await Task.WhenAll(Enumerable.Range(0, 12).Select(seed => served.PostAsync("/v1/completions", Rerouted(seed))));
        Assert.Equal(wide.Select(TextOf), narrow.Select(TextOf));
        Assert.Contains(wide, answer => answer["dipaco"]!["reroutes"]!.AsArray().Count > 0);
        Assert.InRange(own.Host.Engine.Store.Bytes, 1, limit);
    }

    [Fact(Timeout = 120_000)]
    public async Task WhoLeavesWhileHeWaitsForWeightsLeavesNoPlaceInTheLine()
    {
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { WeightBytes = Math.Max(LargestPath(), Router()) });
        LiveModel model = own.Host.Engine.Source.Current;
        ModuleStore store = own.Host.Engine.Store;
        using ModuleLease held = await model.AcquireAsync(model.Grid.ModulesOf(new PathId(3)), TestContext.Current.CancellationToken);
        using CancellationTokenSource leave = new();
        Task<HttpResponseMessage> sending = own.Client.PostAsJsonAsync("/v1/completions", new { model = $"{own.Model}:path-0", prompt = "The mill", max_tokens = 5 }, leave.Token);
        await ServedRun.EventuallyAsync(() => store.Waiting == 1);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await ServedRun.EventuallyAsync(() => store.Waiting == 0);
        Assert.Equal(5, (await own.PostAsync("/v1/completions", new { model = $"{own.Model}:path-3", prompt = "The mill", max_tokens = 5, logit_bias = new Dictionary<string, int> { ["0"] = -100 } }))["usage"]!["completion_tokens"]!.GetValue<int>());
    }

    [Fact]
    public async Task ALimitUnderWhichNoPathFitsIsRefusedAtTheStart()
    {
        DiPaCoException refused = await Assert.ThrowsAsync<DiPaCoException>(() => ServedRun.OfFolderAsync(
            served.Run.Folder, options => options with { WeightBytes = Math.Max(LargestPath(), Router()) - 1 }));
        Assert.Contains("--memory", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoHundredAndFiftySixPathsAreServedFromTheMemoryOfTwo()
    {
        TransformerShape shape = served.Run.Grid.Description.Shape with { Blocks = 2, FeedForward = 32 };
        LevelOptions level = new() { Blocks = 1, Experts = 16 };
        ServedGrid grid = await RandomGrid.CreateAsync(served.Run.Grid, served.Run.NewPath(), [level, level], shape);
        Assert.Equal(256, grid.Topology.Paths.Length);
        string folder = Path.GetDirectoryName(await grid.GetFileAsync(grid.Description.Router, TestContext.Current.CancellationToken))!;
        long limit = 2 * grid.Topology.ModulesOf(new PathId(0)).Sum(BytesOf);
        await using ServedRun narrow = await ServedRun.OfFolderAsync(folder, options => options with { WeightBytes = limit });
        await using ServedRun roomy = await ServedRun.OfFolderAsync(folder);
        string[][] texts = [.. await Task.WhenAll(new[] { narrow, roomy }.Select(server => Task.WhenAll(grid.Topology.Paths.Select(path => TextAsync(server, path)))))];
        Assert.Equal(texts[1], texts[0]);
        Assert.True(texts[0].Distinct().Count() > 200, "Most paths write the same, so the test shows nothing.");
        Assert.InRange(narrow.Host.Engine.Store.Bytes, 1, limit);
        Assert.True(roomy.Host.Engine.Store.Bytes > 4 * limit);
    }

    private static async Task<string> TextAsync(ServedRun server, PathId path)
    {
        string text = TextOf(await server.PostAsync("/v1/completions", new { model = $"{server.Model}:path-{path.Value}", prompt = "The old mill", max_tokens = 6, temperature = 0 }));
        Assert.InRange(server.Host.Engine.Store.Bytes, 1, server.Host.Engine.Store.LimitBytes);
        return text;
    }

    private static object Rerouted(int seed) =>
        new { prompt = $"The mill {seed}", max_tokens = 30, seed, dipaco = new { reroute = new { window = 2, router = "prefix" } } };

    private static string TextOf(JsonNode answer) => answer["choices"]![0]!["text"]!.GetValue<string>();

    private long LargestPath() => served.Run.Grid.Topology.Paths.Max(path => served.Run.Grid.Topology.ModulesOf(path).Sum(BytesOf));

    private long Router() => BytesOf(ModelTopology.Dense(served.Run.Grid.Description.Shape).Modules[0]);

    private static long BytesOf(ModuleDefinition module) => LoadedModule.BytesOf(module.Layout, WeightType.Fp32);
}
