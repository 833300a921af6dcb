using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Http;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

public sealed class LiveModelTests(TrainedRun run) : IDisposable
{
    private readonly string _root = SmallRun.CreateFolder();

    private string Folder => Path.Combine(_root, "run");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task ARunInTrainingIsServedInItsNewestVersionAndNoRequestIsDropped()
    {
        LoadedConfig config = SmallRun.Prepare(Path.Combine(_root, "input"));
        await TrainUntilFirstModelAsync(config);
        string first = ServedGrid.Open(Folder).Description.ModelDigest;
        await using ServedRun served = await ServedRun.OfFolderAsync(Folder, options => options with { Refresh = TimeSpan.FromMilliseconds(20) });
        Task training = Task.Run(() => new RunEngine(TimeProvider.System) { MeasuresMachine = false }.TrainAsync(config, Folder, new SilentObserver(), CancellationToken.None));
        HashSet<string> seen = [await AskAsync(served)];
        while (!training.IsCompleted)
        {
            seen.Add(await AskAsync(served));
        }

        await training;
        string last = ServedGrid.Open(Folder).Description.ModelDigest;
        Assert.NotEqual(first, last);
        Assert.Contains(first, seen);
        while (await AskAsync(served) != last)
        {
            // Every answer is a success until the newest version answers.
        }

        Assert.True(served.Host.Engine.Source.Updates > 0);
    }

    [Fact]
    public async Task WhereAnOldVersionsFilesAreGoneRequestsAreToldSoUntilTheNextVersionIsTakenUp()
    {
        // Three more phases, so that nothing of the first is kept.
        SmallRun.Prepare(Path.Combine(_root, "input"));
        string file = Path.Combine(_root, "input", "small.yaml");
        File.WriteAllText(file, File.ReadAllText(file).Replace("phases: 2", "phases: 4", StringComparison.Ordinal));
        LoadedConfig config = RunConfigLoader.Load(file);
        await TrainUntilFirstModelAsync(config);
        ServedGrid first = ServedGrid.Open(Folder);
        PathId last = first.Topology.Paths[^1];
        long room = RoomForOne(first);
        await using ServedRun served = await ServedRun.OfFolderAsync(Folder, options => options with { Refresh = TimeSpan.FromDays(1), WeightBytes = room });
        await new RunEngine(TimeProvider.System) { MeasuresMachine = false }.TrainAsync(config, Folder, new SilentObserver(), CancellationToken.None);

        // The run has let go of the files, and memory has room for the base model and one path: the first, which was loaded at the start.
        await AskAsync(served, first.Topology.Paths[0]);
        (HttpStatusCode status, JsonNode? error) = await served.PostRawAsync("/v1/completions", Encoding.UTF8.GetBytes(BodyOf(served, last)));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal("model_unavailable", error!["code"]!.GetValue<string>());
        Assert.Contains("A newer version is taken up", error["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.DoesNotContain(Folder, error["message"]!.GetValue<string>(), StringComparison.Ordinal);

        Assert.True(await served.Host.Engine.Source.RefreshAsync(CancellationToken.None));
        Assert.Equal(ServedGrid.Open(Folder).Description.ModelDigest, await AskAsync(served, last));
    }

    [Fact]
    public async Task AStreamThatBeganWithOneVersionEndsWithItAndTheNextRequestHasTheNext()
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, Folder);
        await using ServedRun own = await ServedRun.OfFolderAsync(model.Folder, options => options with { MaxSequences = 1, Refresh = TimeSpan.FromDays(1), Idle = TaskScheduler.Default });
        object Body(int count, bool stream) => new
        {
            model = $"{own.Model}:path-1", prompt = "The old mill", max_tokens = 35, n = count, seed = 1, stream, logit_bias = new Dictionary<string, int> { ["0"] = -100 },
        };
        JsonNode before = await own.PostAsync("/v1/completions", Body(128, false));
        string digest = own.Host.Engine.Source.Current.Description.ModelDigest;
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(Body(128, true)) };
        using HttpResponseMessage response = await own.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        model.TrainOn(bytes =>
        {
            // The signs of the last numbers.
            for (int at = bytes.Length - 1; at > bytes.Length - 2_000; at -= sizeof(float))
            {
                bytes[at] ^= 0x80;
            }
        });
        Assert.True(await own.Host.Engine.Source.RefreshAsync(TestContext.Current.CancellationToken));
        Assert.True(own.Host.Engine.Engine.Counters.Finished < 256, "The stream had come to its end, so the test shows nothing.");
        List<JsonNode> events = await ServedRun.EventsAsync(response);
        Assert.Equal(
            before["choices"]!.AsArray().Select(choice => choice!["text"]!.GetValue<string>()),
            Enumerable.Range(0, 128).Select(index => string.Concat(events.SelectMany(one => one["choices"]!.AsArray())
                .Where(choice => choice!["index"]!.GetValue<int>() == index).Select(choice => choice!["text"]!.GetValue<string>()))));
        JsonNode after = await own.PostAsync("/v1/completions", Body(1, false));
        Assert.Equal(own.Host.Engine.Source.Current.Description.ModelDigest, after["dipaco"]!["model_digest"]!.GetValue<string>());
        Assert.NotEqual(digest, after["dipaco"]!["model_digest"]!.GetValue<string>());
        Assert.NotEqual(before["choices"]![0]!["text"]!.GetValue<string>(), after["choices"]![0]!["text"]!.GetValue<string>());
        Assert.All(events.Where(one => one["dipaco"] is not null), one => Assert.Equal(digest, one["dipaco"]!["model_digest"]!.GetValue<string>()));
    }

    [Theory(Timeout = 120_000)]
    [InlineData(typeof(OperationCanceledException))]
    [InlineData(typeof(InvalidOperationException))]
    public async Task WhateverFailsIsSaidWithItsTraceAndTheFolderIsLookedAtAgain(Type failure)
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, Folder);
        ManualTime time = new();
        ConcurrentQueue<string> notes = [];
        await using ServingHost host = await ServedRun.StartAsync(model.Folder, options => options, time, note =>
        {
            notes.Enqueue(note);
            if (notes.Count == 1)
            {
                throw (Exception)Activator.CreateInstance(failure)!;
            }
        });
        model.TrainOn();
        time.Pass(TimeSpan.FromSeconds(5));
        await ServedRun.EventuallyAsync(() => notes.Count == 2);
        Assert.Contains(failure.Name, notes.Last(), StringComparison.Ordinal);
        Assert.Contains("   at ", notes.Last(), StringComparison.Ordinal);
        model.TrainOn();
        time.Pass(TimeSpan.FromSeconds(5));
        await ServedRun.EventuallyAsync(() => host.Engine.Source.Updates == 2).WaitAsync(TestContext.Current.CancellationToken);
    }

    private static long RoomForOne(ServedGrid grid) =>
        BytesOf(ModelTopology.Dense(grid.Description.Shape).Modules) + grid.Topology.Paths.Select(grid.Topology.ModulesOf).Max(modules => BytesOf(modules));

    private static long BytesOf(IEnumerable<ModuleDefinition> modules) => modules.Sum(module => LoadedModule.BytesOf(module.Layout, WeightType.Fp32));

    private static string BodyOf(ServedRun served, PathId path) => $$"""{ "model": "{{served.Model}}:path-{{path}}", "prompt": "The old mill", "max_tokens": 5 }""";

    private static async Task<string> AskAsync(ServedRun served, PathId path)
    {
        using StringContent body = new(BodyOf(served, path), Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await served.Client.PostAsync("/v1/completions", body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!["dipaco"]!["model_digest"]!.GetValue<string>();
    }

    private static async Task<string> AskAsync(ServedRun served)
    {
        JsonNode answer = await served.PostAsync("/v1/completions", new { prompt = "The old mill", max_tokens = 5, n = 4 });
        return answer["dipaco"]!["model_digest"]!.GetValue<string>();
    }

    private async Task TrainUntilFirstModelAsync(LoadedConfig config)
    {
        using CancellationTokenSource stop = new();
        StopAtFirstModel observer = new(Path.Combine(Folder, "model.json"), stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new RunEngine(TimeProvider.System) { MeasuresMachine = false }.TrainAsync(config, Folder, observer, stop.Token));
    }

    private sealed class StopAtFirstModel(string model, CancellationTokenSource stop) : IRunObserver
    {
        public void Observe(RunEvent runEvent)
        {
            if (File.Exists(model))
            {
                stop.Cancel();
            }
        }
    }
}
