using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Serving.Inference;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>A server whose memory holds only a part of the weights.</summary>
[Collection(nameof(ServedRunTests))]
public sealed class WeightLimitTests(ServedRun served)
{
    [Fact]
    public async Task ReroutingSequencesThatWaitForRoomDoNotWaitForEachOther()
    {
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { WeightBytes = LargestPath() + Router() });
        JsonNode[] narrow = await Task.WhenAll(Enumerable.Range(0, 12).Select(seed => own.PostAsync("/v1/completions", Rerouted(seed))));
        JsonNode[] wide = await Task.WhenAll(Enumerable.Range(0, 12).Select(seed => served.PostAsync("/v1/completions", Rerouted(seed))));
        Assert.Equal(wide.Select(TextOf), narrow.Select(TextOf));
        Assert.Contains(wide, answer => answer["dipaco"]!["reroutes"]!.AsArray().Count > 0);
        Assert.InRange(own.Host.Engine.Store.Bytes, 1, LargestPath() + Router());
    }

    [Fact]
    public async Task ReroutingThatNeedsMoreThanTheLimitIsRefusedAndTheRestIsServed()
    {
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { WeightBytes = LargestPath() + Router() - 1 });
        (HttpStatusCode status, JsonNode? error) = await own.PostRawAsync("/v1/completions", Encoding.UTF8.GetBytes(JsonSerializer.Serialize(Rerouted(0))));
        Assert.Equal((HttpStatusCode.BadRequest, "dipaco.reroute"), (status, error!["param"]!.GetValue<string>()));
        Assert.Contains("--memory", error["message"]!.GetValue<string>(), StringComparison.Ordinal);
        object plain = new { prompt = "The mill", max_tokens = 20, seed = 1 };
        Assert.Equal(TextOf(await served.PostAsync("/v1/completions", plain)), TextOf(await own.PostAsync("/v1/completions", plain)));
    }

    [Fact]
    public async Task ALimitUnderWhichNoPathFitsIsRefusedAtTheStart()
    {
        DiPaCoException refused = await Assert.ThrowsAsync<DiPaCoException>(() => ServedRun.OfFolderAsync(
            served.Run.Folder, options => options with { WeightBytes = Math.Max(LargestPath(), Router()) - 1 }));
        Assert.Contains("--memory", refused.Message, StringComparison.Ordinal);
    }

    private static object Rerouted(int seed) =>
        new { prompt = $"The mill {seed}", max_tokens = 30, seed, dipaco = new { reroute = new { window = 2, router = "prefix" } } };

    private static string TextOf(JsonNode answer) => answer["choices"]![0]!["text"]!.GetValue<string>();

    private long LargestPath() => served.Run.Grid.Topology.Paths.Max(path => served.Run.Grid.Topology.ModulesOf(path).Sum(BytesOf));

    private long Router() => BytesOf(ModelTopology.Dense(served.Run.Grid.Description.Shape).Modules[0]);

    private static long BytesOf(ModuleDefinition module) => LoadedModule.BytesOf(module.Layout, WeightType.Fp32);
}
