using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Serving.Http;
using DiPaCo.Serving.Scheduling;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

[Collection(nameof(ServedRunTests))]
public sealed class LoadTests(ServedRun served)
{
    [Fact]
    public async Task ManyStreamsOfWhichSomeBreakOffLeaveNothingBehind()
    {
        int clients = int.TryParse(Environment.GetEnvironmentVariable("DIPACO_TEST_CLIENTS"), out int asked) ? asked : 150;
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { MaxQueue = 20 * clients, MaxSequences = 32, CacheBytes = 8 << 20 });
        string[] expected = [.. await Task.WhenAll(Enumerable.Range(0, 4).Select(kind => TextAsync(own, kind)))];
        GenerationEngine engine = own.Host.Engine.Engine;
        long[] managed = new long[2];
        for (int round = 0; round < 2; round++)
        {
            RandomStream chance = new(round, "clients");
            bool[] leaves = [.. Enumerable.Range(0, clients).Select(_ => chance.NextInt32(3) == 0)];
            await Task.WhenAll(leaves.Select((leave, at) => leave ? LeaveAsync(own, at, at % 5) : StayAsync(own, at % 4, expected[at % 4])));

            // Those who left are gone once the engine has seen it; nothing else is to wait for.
            await ServedRun.EventuallyAsync(() => engine.Counters is { Active: 0, Waiting: 0, PagesReserved: 0 } && own.Host.Running == 0);
            managed[round] = GC.GetTotalMemory(forceFullCollection: true);
        }

        Assert.Null(engine.Failure);
        Assert.InRange(managed[1] - managed[0], long.MinValue, 16 << 20);
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
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { MaxSequences = 1, MaxQueue = 1 });
        using HttpResponseMessage refused = await own.Client.PostAsJsonAsync("/v1/completions", new { prompt = "a", max_tokens = 30, n = 40 });
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("1", refused.Headers.RetryAfter!.ToString());
        Assert.Equal("rate_limit_error", JsonNode.Parse(await refused.Content.ReadAsStringAsync())!["error"]!["type"]!.GetValue<string>());
        await ServedRun.EventuallyAsync(() => own.Host.Engine.Engine.Counters is { Active: 0, Waiting: 0, PagesReserved: 0 });
        Assert.NotEmpty(await TextAsync(own, 1));
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

    private static object Body(int kind, bool stream) => new { prompt = $"The old mill {kind}", max_tokens = 20, seed = kind, stream };

    private static async Task<string> TextAsync(ServedRun own, int kind) => (await own.PostAsync("/v1/completions", Body(kind, false)))["choices"]![0]!["text"]!.GetValue<string>();

    private static async Task StayAsync(ServedRun own, int kind, string expected)
    {
        List<JsonNode> events = await own.StreamAsync("/v1/completions", Body(kind, true));
        Assert.Equal(expected, string.Concat(events.SelectMany(one => one["choices"]!.AsArray()).Select(piece => piece!["text"]!.GetValue<string>())));
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
