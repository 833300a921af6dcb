using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>Servers whose memory has no room for all routers and paths, and models that get their token routers late or lose them.</summary>
[Collection(nameof(ReroutedRunTests))]
public sealed class TokenRouterTests(ReroutedRun run)
{
    [Theory(Timeout = 180_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SequencesThatWaitForRoutersAndPathsDoNotWaitForEachOther(bool roomForAllOfOne)
    {
        // Each window has a router of its own, so one sequence may have what another waits for, whatever both need.
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, Path.Combine(run.Folder, "..", Path.GetRandomFileName()));
        model.Rewrite(manifest =>
        {
            string router = manifest["model"]!["tokenRouters"]![0]!["blob"]!.GetValue<string>();
            string other = model.Replace(manifest, router, bytes =>
            {
                bytes[^4]++;
                return bytes;
            });
            manifest["model"]!["tokenRouters"] = new JsonArray(
                new JsonObject { ["blob"] = router, ["windows"] = new JsonArray(16) }, new JsonObject { ["blob"] = other, ["windows"] = new JsonArray(32) });
        });
        long limit = roomForAllOfOne ? LargestPath() + Router() + Base() : Math.Max(LargestPath(), Math.Max(Router(), Base()));
        await using ServedRun own = await ServedRun.OfFolderAsync(model.Folder, options => options with { WeightBytes = limit });
        await using ServedRun roomy = await ServedRun.OfFolderAsync(model.Folder);
        object[] bodies = [.. Enumerable.Range(0, 16).Select(seed => Body(seed, seed % 2 == 0 ? 12 : 40))];
        JsonNode[] narrow = await Task.WhenAll(bodies.Select(body => own.PostAsync("/v1/completions", body))).WaitAsync(TestContext.Current.CancellationToken);
        JsonNode[] wide = await Task.WhenAll(bodies.Select(body => roomy.PostAsync("/v1/completions", body)));
        Assert.Equal(wide.Select(TextOf), narrow.Select(TextOf));
        Assert.Contains(wide, answer => answer["dipaco"]!["reroutes"]!.AsArray().Count > 0);
        Assert.InRange(own.Host.Engine.Store.Bytes, 1, limit);
        Assert.Equal(0, own.Host.Engine.Store.Waiting);
    }

    [Fact]
    public async Task AServerThatReroutesByATokenRouterDoesNotStartWithoutOne()
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, Path.Combine(run.Folder, "..", Path.GetRandomFileName()));
        model.Describe(description => description["tokenRouters"] = new JsonArray());
        DiPaCoException refused = await Assert.ThrowsAnyAsync<DiPaCoException>(() => StartAsync(model));
        Assert.Contains("no token router", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATokenRouterThatComesOrGoesWithAVersionIsTakenUp()
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, Path.Combine(run.Folder, "..", Path.GetRandomFileName()));
        JsonNode routers = null!;
        model.Describe(description => routers = description["tokenRouters"]!.DeepClone());
        await using ServedRun own = await StartAsync(model);
        ModelSource source = own.Host.Engine.Source;
        byte[] asks = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(Body(1, 16)));

        // The run goes on: its model has no token router for now. Who asks for one is refused, who does not is served.
        model.Describe(description => description["tokenRouters"] = new JsonArray());
        Assert.True(await source.RefreshAsync(TestContext.Current.CancellationToken));
        (HttpStatusCode status, JsonNode? error) = await own.PostRawAsync("/v1/completions", asks);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("no token router", error!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.NotEmpty(TextOf(await own.PostAsync("/v1/completions", new { prompt = "The mill", max_tokens = 30, seed = 1 })));

        // It has one again; nothing else has changed.
        model.Describe(description => description["tokenRouters"] = routers.DeepClone());
        Assert.True(await source.RefreshAsync(TestContext.Current.CancellationToken));
        Assert.Equal(TextOf(await run.Served.PostAsync("/v1/completions", Body(1, 16))), TextOf(await own.PostAsync("/v1/completions", Body(1, 16))));
    }

    [Fact(Timeout = 120_000)]
    public async Task WhoWaitedWhileTheTokenRouterWentIsToldThatTheModelHasChanged()
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, Path.Combine(run.Folder, "..", Path.GetRandomFileName()));
        await using ServedRun own = await ServedRun.OfFolderAsync(
            model.Folder, options => options with { Refresh = TimeSpan.FromDays(1), WeightBytes = Math.Max(LargestPath(), Math.Max(Router(), Base())) });
        LiveModel before = own.Host.Engine.Source.Current;
        ModuleLease held = await before.AcquireAsync(before.Grid.ModulesOf(before.Grid.Topology.Paths[^1]), TestContext.Current.CancellationToken);
        Task<(HttpStatusCode Status, JsonNode? Error)> asking = own.PostRawAsync("/v1/completions", JsonSerializer.SerializeToUtf8Bytes(Body(1, 16)));
        await ServedRun.EventuallyAsync(() => own.Host.Engine.Store.Waiting == 1);
        model.TrainOn();
        model.Describe(description => description["tokenRouters"] = new JsonArray());
        Assert.True(await own.Host.Engine.Source.RefreshAsync(TestContext.Current.CancellationToken));
        model.Forget([before.Base]);
        held.Dispose();
        (HttpStatusCode status, JsonNode? error) = await asking;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "model_changed"), (status, error!["code"]!.GetValue<string>()));
        Assert.Contains("no token router", error["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    private static Task<ServedRun> StartAsync(ExportedModel model) => ServedRun.OfFolderAsync(model.Folder, options => options with
    {
        Refresh = TimeSpan.FromDays(1), Limits = options.Limits with { Reroute = new RerouteOptions(16, ReroutingRouter.Token) },
    });

    private static string TextOf(JsonNode answer) => answer["choices"]![0]!["text"]!.GetValue<string>();

    private object Body(int seed, int window) => new
    {
        prompt = $"{run.Texts[seed % run.Texts.Length][..20]} {seed}", max_tokens = 60, seed, dipaco = new { reroute = new { window, router = "token" } },
        logit_bias = new Dictionary<string, int> { [$"{run.Tokenizer.EndOfText}"] = -100 },
    };

    private long LargestPath() => run.Grid.Topology.Paths.Max(path => run.Grid.Topology.ModulesOf(path).Sum(BytesOf));

    private long Base() => BytesOf(ModelTopology.Dense(run.Grid.Description.Shape).Modules[0]);

    private long Router() => BytesOf(ModelTopology.Dense(run.Grid.Description.Shape with { TiedEmbedding = false, Outputs = run.Grid.Topology.Paths.Length }).Modules[0]);

    private static long BytesOf(ModuleDefinition module) => LoadedModule.BytesOf(module.Layout, WeightType.Fp32);
}
