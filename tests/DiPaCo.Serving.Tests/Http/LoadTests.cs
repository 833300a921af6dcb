using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Http;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

[Collection(nameof(ServedRunTests))]
public sealed class LoadTests(ServedRun served)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ManyStreamsOfWhichSomeBreakOffLeaveNothingBehind(bool shortLine)
    {
        int clients = int.TryParse(Environment.GetEnvironmentVariable("DIPACO_TEST_CLIENTS"), out int asked) ? asked : 150;
        await using ServedRun own = await ServedRun.OfFolderAsync(
            served.Run.Folder, options => options with { MaxQueue = shortLine ? 16 : 20 * clients, MaxSequences = shortLine ? 16 : 32, CacheBytes = 8 << 20 });
        string[] expected = [.. await Task.WhenAll(Enumerable.Range(0, 4).Select(kind => TextAsync(own, kind)))];
        GenerationEngine engine = own.Host.Engine.Engine;
        long[] managed = new long[2];
        long[] process = new long[2];
        (int Pages, long Weights)[] native = new (int, long)[2];
        int refused = 0;
        for (int round = 0; round < 2; round++)
        {
            RandomStream chance = new(round, "clients");
            bool[] leaves = [.. Enumerable.Range(0, clients).Select(_ => chance.NextInt32(3) == 0)];
            await Task.WhenAll(leaves.Select((leave, at) => leave ? LeaveAsync(own, at, at % 5) : StayAsync(own, at % 4, expected[at % 4], () => Interlocked.Increment(ref refused))));

            // Those who left are gone once the engine has seen it; nothing else is to wait for.
            await ServedRun.EventuallyAsync(() => engine.Counters is { Active: 0, Waiting: 0, PagesReserved: 0 } && own.Host.Running == 0);
            managed[round] = GC.GetTotalMemory(forceFullCollection: true);
            process[round] = Environment.WorkingSet;
            native[round] = (engine.Counters.PagesAllocated, own.Host.Engine.Store.Bytes);
        }

        Assert.Null(engine.Failure);
        Assert.Equal(shortLine, refused > 0);
        Assert.InRange(managed[1] - managed[0], long.MinValue, 16 << 20);

        // Of the whole process, in which other tests run as well: what every client left behind would be more.
        Assert.InRange(process[1] - process[0], long.MinValue, 1L << 30);

        // What lies outside of the managed heap: the same pages and weights serve both rounds.
        Assert.Equal(native[0], native[1]);
        Assert.InRange(native[1].Pages * own.Host.Engine.Engine.PageBytes, 1, 8 << 20);
    }

    [Fact]
    public async Task WhoLeavesWhileHeWaitsIsForgottenAtOnce()
    {
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { MaxSequences = 1 });
        GenerationEngine engine = own.Host.Engine.Engine;
        using CancellationTokenSource leave = new();
        Task<HttpResponseMessage> sending = own.Client.PostAsJsonAsync("/v1/completions", new { prompt = "a", max_tokens = 45, n = 128, logit_bias = new Dictionary<string, int> { ["0"] = -100 } }, leave.Token);
        await ServedRun.EventuallyAsync(() => engine.Counters is { Active: 1, Waiting: > 100 });
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await ServedRun.EventuallyAsync(() => engine.Counters is { Active: 0, Waiting: 0, PagesReserved: 0 });
        Assert.InRange(engine.Counters.Cancelled, 1, 128);
        Assert.NotEmpty(await TextAsync(own, 1));
    }

    [Fact]
    public async Task WhoComesWhenAllPlacesAreTakenIsToldToComeBack()
    {
        await using ServedRun own = await ServedRun.OfFolderAsync(
            served.Run.Folder, options => options with { MaxSequences = 1, MaxQueue = 4, WeightBytes = served.RoomForOnePath() });
        LiveModel model = own.Host.Engine.Source.Current;
        EngineCounters counters = own.Host.Engine.Engine.Counters;
        object Body(int count) => new { model = $"{own.Model}:path-0", prompt = "a", max_tokens = 5, n = count };

        // One waits for weights as long as the test has those of another path, and three stand behind it.
        ModuleLease held = await model.AcquireAsync(model.Grid.ModulesOf(new PathId(3)), TestContext.Current.CancellationToken);
        Task<JsonNode> first = own.PostAsync("/v1/completions", Body(1));
        await ServedRun.EventuallyAsync(() => counters is { Active: 1, Waiting: 0 });
        Task<JsonNode> second = own.PostAsync("/v1/completions", Body(3));
        await ServedRun.EventuallyAsync(() => counters.Waiting == 3);
        using HttpResponseMessage refused = await own.Client.PostAsJsonAsync("/v1/completions", Body(2));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("1", refused.Headers.RetryAfter!.ToString());
        Assert.Equal("rate_limit_error", JsonNode.Parse(await refused.Content.ReadAsStringAsync())!["error"]!["type"]!.GetValue<string>());

        // No part of what was refused is left in the line.
        Assert.Equal(3, counters.Waiting);
        held.Dispose();
        Assert.Single((await first)["choices"]!.AsArray());
        Assert.Equal(3, (await second)["choices"]!.AsArray().Count);
        await ServedRun.EventuallyAsync(() => own.Host.Engine.Engine.Counters is { Active: 0, Waiting: 0, PagesReserved: 0 });
        Assert.NotEmpty(await TextAsync(own, 1));
    }

    [Fact(Timeout = 120_000)]
    public async Task RequestsThatAreStillReadCountAmongThoseThatTheServerTakes()
    {
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { MaxSequences = 1, MaxQueue = 1 });
        byte[] body = """{"prompt":"a","max_tokens":5}"""u8.ToArray();
        using Socket first = await BeginAsync(own, body);
        using Socket second = await BeginAsync(own, body);
        await ServedRun.EventuallyAsync(() => own.Host.Places == 2);
        (HttpStatusCode status, JsonNode? error) = await own.PostRawAsync("/v1/completions", body);
        Assert.Equal((HttpStatusCode.TooManyRequests, "rate_limit_exceeded"), (status, error!["code"]!.GetValue<string>()));
        Assert.Equal("live\n", await own.Client.GetStringAsync("/health/live", TestContext.Current.CancellationToken));

        // One goes on, the other leaves.
        await first.SendAsync(body.AsMemory(10), TestContext.Current.CancellationToken);
        second.Close();
        await ServedRun.EventuallyAsync(() => own.Host.Running == 0);
        Assert.NotEmpty(await TextAsync(own, 1));
    }

    [Theory]
    [InlineData("/v1/completions", """{"prompt":"a","n":6}""")]
    [InlineData("/v1/route", """{"input":["a","b","c","d","e","f"]}""")]
    public async Task WhatCanNeverBeTakenIsNotToldToComeBack(string path, string body)
    {
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { MaxSequences = 1, MaxQueue = 4 });
        (HttpStatusCode status, JsonNode? error) = await own.PostRawAsync(path, Encoding.UTF8.GetBytes(body));
        Assert.Equal((HttpStatusCode.BadRequest, "too_many_sequences"), (status, error!["code"]!.GetValue<string>()));
        Assert.Contains("6 sequences; this server takes at most 5", error["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoComesWhileTheServerStopsIsToldSo()
    {
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder);
        own.Host.Engine.Engine.Dispose();
        (HttpStatusCode status, JsonNode? error) = await own.PostRawAsync("/v1/completions", """{"prompt":"a"}"""u8.ToArray());
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "server_stopping"), (status, error!["code"]!.GetValue<string>()));
    }

    [Fact(Timeout = 120_000)]
    public async Task AServerWhoseEngineHasFailedIsNotReadyAndSaysSo()
    {
        // A stack of fewer blocks than the engine was made for: a mistake that no client can make.
        TransformerShape shape = served.Run.Grid.Description.Shape with { Blocks = 2 };
        ServedGrid other = await RandomGrid.CreateAsync(served.Run.Grid, served.Run.NewPath(), [new LevelOptions { Blocks = 2, Experts = 1 }], shape);
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder);
        LiveModel wrong = await LiveModel.OpenAsync(other, own.Host.Engine.Store, TestContext.Current.CancellationToken);
        using GenerationHandle handle = own.Host.Engine.Engine.TrySubmit(new GenerationRequest { Model = wrong, Path = new PathId(0), Prompt = [1, 2], MaxTokens = 1 })!;
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => SequenceReading.ReadAllAsync([handle], (_, _, _) => ValueTask.CompletedTask, TestContext.Current.CancellationToken));
        await ServedRun.EventuallyAsync(() => own.Host.Engine.Engine.IsStopping);
        using HttpResponseMessage ready = await own.Client.GetAsync("/health/ready", TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "failed\n"), (ready.StatusCode, await ready.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
        Assert.Equal("live\n", await own.Client.GetStringAsync("/health/live", TestContext.Current.CancellationToken));
        (HttpStatusCode status, JsonNode? error) = await own.PostRawAsync("/v1/completions", """{"prompt":"a"}"""u8.ToArray());
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "server_failed"), (status, error!["code"]!.GetValue<string>()));
    }

    [Fact]
    public async Task WithKeysOnlyTheirOwnersAreServed()
    {
        string file = served.Run.NewPath();
        string key = ApiKeys.Create(file, "alice");
        string other = ApiKeys.Create(file, "bob");
        Assert.DoesNotContain(key, File.ReadAllText(file), StringComparison.Ordinal);
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { KeyFile = file });
        foreach ((string? given, HttpStatusCode expected) in ((string?, HttpStatusCode)[])[(null, HttpStatusCode.Unauthorized), (key, HttpStatusCode.OK), (other, HttpStatusCode.OK), (key + "x", HttpStatusCode.Unauthorized)])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/v1/models");
            request.Headers.Authorization = given is null ? null : new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", given);
            using HttpResponseMessage response = await own.Client.SendAsync(request);
            Assert.Equal(expected, response.StatusCode);
        }

        Assert.Equal("ready\n", await own.Client.GetStringAsync("/health/ready"));
    }

    [Fact]
    public async Task OtherMachinesAreLetInOnlyWithTlsAndKeysOrWhenToldSo()
    {
        DiPaCoException refused = await Assert.ThrowsAsync<DiPaCoException>(() => ServedRun.StartAsync(
            served.Run.Folder, options => options with { Listen = new IPEndPoint(IPAddress.Any, 0) }));
        Assert.Contains("--insecure", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Sends a request as far as into its body.</summary>
    private static async Task<Socket> BeginAsync(ServedRun own, byte[] body)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, own.Host.Address.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"),
            TestContext.Current.CancellationToken);
        await socket.SendAsync(body.AsMemory(0, 10), TestContext.Current.CancellationToken);
        return socket;
    }

    private static object Body(int kind, bool stream) => new { prompt = $"The old mill {kind}", max_tokens = 20, seed = kind, stream };

    private static async Task<string> TextAsync(ServedRun own, int kind) => (await own.PostAsync("/v1/completions", Body(kind, false)))["choices"]![0]!["text"]!.GetValue<string>();

    private static async Task StayAsync(ServedRun own, int kind, string expected, Action refused)
    {
        while (true)
        {
            using HttpRequestMessage request = new(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(Body(kind, true)) };
            using HttpResponseMessage response = await own.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            if (response.StatusCode != HttpStatusCode.TooManyRequests)
            {
                List<JsonNode> events = await ServedRun.EventsAsync(response);
                Assert.Equal(expected, string.Concat(events.SelectMany(one => one["choices"]!.AsArray()).Select(piece => piece!["text"]!.GetValue<string>())));
                return;
            }

            refused();
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    private static async Task LeaveAsync(ServedRun own, int kind, int lines)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/completions") 
        {
            Content = JsonContent.Create(new { prompt = $"The old mill {kind}", max_tokens = 40, n = 12, seed = kind, stream = true }),
        };
        using CancellationTokenSource leave = new();
        Task<HttpResponseMessage> sending = own.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leave.Token);
        if (lines == 0)
        {
            // While it waits.
            await ServedRun.EventuallyAsync(() => own.Host.Engine.Engine.Counters.Waiting > 0 || sending.IsCompleted);
            await leave.CancelAsync();
        }

        try
        {
            using HttpResponseMessage response = await sending;
            using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
            for (int line = 0; line < lines; line++)
            {
                await reader.ReadLineAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // Gone before the answer began.
        }
    }
}
