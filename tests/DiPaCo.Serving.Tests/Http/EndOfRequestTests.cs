using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiPaCo.Serving.Scheduling;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>Requests that end before their answer does: their time is over, their client does not read, the server stops.</summary>
[Collection(nameof(ServedRunTests))]
public sealed class EndOfRequestTests(ServedRun served)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ARequestWhoseTimeIsOverIsToldSoAndItsPlaceIsFree(bool stream)
    {
        ManualTime time = new();
        await using ServedRun own = await SlowServerAsync(time);
        GenerationEngine engine = own.Host.Engine.Engine;
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(Long(stream)) };
        Task<HttpResponseMessage> sending = own.Client.SendAsync(request, stream ? HttpCompletionOption.ResponseHeadersRead : HttpCompletionOption.ResponseContentRead, Cancellation);
        await ServedRun.EventuallyAsync(() => engine.Counters is { Active: 1, Waiting: > 100 });
        if (stream)
        {
            // Before its status has been sent, a stream would end with the other status.
            await sending;
        }

        time.Pass(Timeout - TimeSpan.FromSeconds(1));
        Assert.Equal(0, engine.Counters.Cancelled);
        time.Pass(TimeSpan.FromSeconds(1));

        using HttpResponseMessage response = await sending;
        string text = await response.Content.ReadAsStringAsync(Cancellation);
        JsonNode? error = JsonNode.Parse(stream ? text.Split("\n\n")[^3]["data: ".Length..] : text)!["error"];
        Assert.Equal(stream ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("timeout", error!["code"]!.GetValue<string>());
        Assert.Contains("longer than this server allows", error["message"]!.GetValue<string>(), StringComparison.Ordinal);
        await ServedRun.EventuallyAsync(() => engine.Counters is { Active: 0, Waiting: 0, PagesReserved: 0 });
        Assert.True(engine.Counters.Finished < 128, "The request had come to its end, so the test shows nothing.");
        Assert.NotEmpty(await TextAsync(own));
    }

    [Fact(Timeout = 120_000)]
    public async Task WhoNeverReadsHisStreamHoldsUpNobodyAndIsCutOffWhenHisTimeIsOver()
    {
        ManualTime time = new();
        await using ServedRun own = await SlowServerAsync(time, sequences: 16);
        GenerationEngine engine = own.Host.Engine.Engine;
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(IPAddress.Loopback, own.Host.Address.Port, TestContext.Current.CancellationToken);
        string body = JsonSerializer.Serialize(Long(stream: true, logprobs: 20));
        await socket.SendAsync(Encoding.UTF8.GetBytes(
            $"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"), Cancellation);

        // Everything is computed without him; what he asked for waits to be sent, and holds neither a place nor keys and values.
        await ServedRun.EventuallyAsync(() => engine.Counters is { Finished: 128, Active: 0, PagesReserved: 0 });
        Assert.NotEmpty(await TextAsync(own));

        // First the error of a time-out waits behind the rest, then there is an end.
        time.Pass(Timeout);
        time.Pass(TimeSpan.FromSeconds(5));
        await ServedRun.EventuallyAsync(() => own.Host.Running == 0);
        string read = await ReadAsync(socket);
        Assert.StartsWith("HTTP/1.1 200", read, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", read, StringComparison.Ordinal);
        Assert.NotEmpty(await TextAsync(own));
    }

    [Fact]
    public async Task AServerThatStopsLetsRunningRequestsComeToTheirEnd()
    {
        await using ServedRun own = await SlowServerAsync(TimeProvider.System);
        using HttpResponseMessage response = await BeginAsync(own);
        Task stopping = own.Host.StopAsync(TimeSpan.FromMinutes(10));
        List<JsonNode> events = await EventsAsync(response);
        await stopping;

        Assert.Equal(Enumerable.Range(0, 128), events.SelectMany(one => one["choices"]!.AsArray())
            .Where(choice => choice!["finish_reason"] is not null).Select(choice => choice!["index"]!.GetValue<int>()).Order());
        await Assert.ThrowsAsync<HttpRequestException>(() => own.Client.GetAsync("/health/live", Cancellation));
    }

    [Fact]
    public async Task WhatStillRunsWhenTheGraceIsOverEndsWithAMessage()
    {
        await using ServedRun own = await SlowServerAsync(TimeProvider.System);
        using HttpResponseMessage response = await BeginAsync(own);
        Task stopping = own.Host.StopAsync(TimeSpan.Zero);
        List<JsonNode> events = await EventsAsync(response);
        await stopping;

        Assert.Contains("the server is stopping", events[^1]["error"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task AServerStopsAlsoWhileItReadsAVersionForWhichThereIsNoProcessor()
    {
        ExportedModel model = await ExportedModel.OfAsync(served.Run.Grid, served.Run.NewPath());
        ManualTime time = new();
        StarvedScheduler idle = new();
        await using ServedRun own = await ServedRun.OfFolderAsync(model.Folder, options => options with { Idle = idle }, time);
        model.TrainOn();
        time.Pass(TimeSpan.FromSeconds(5));
        await ServedRun.EventuallyAsync(() => idle.Given > 0);
        await own.Host.StopAsync(TimeSpan.FromMinutes(1)).WaitAsync(TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<HttpRequestException>(() => own.Client.GetAsync("/health/live", Cancellation));
    }

    /// <summary>More than a second of work, since one sequence after the other is written.</summary>
    private static object Long(bool stream, int? logprobs = null) =>
        new { prompt = "a", max_tokens = 45, n = 128, seed = 1, stream, logprobs, logit_bias = new Dictionary<string, int> { ["0"] = -100 } };

    private static async Task<HttpResponseMessage> BeginAsync(ServedRun own)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(Long(stream: true)) };
        return await own.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static async Task<List<JsonNode>> EventsAsync(HttpResponseMessage response)
    {
        string[] lines = (await response.Content.ReadAsStringAsync(Cancellation)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", lines[^1]);
        return [.. lines[..^1].Select(line => JsonNode.Parse(line["data: ".Length..])!)];
    }

    private static async Task<string> TextAsync(ServedRun own) =>
        (await own.PostAsync("/v1/completions", new { prompt = "The old mill", max_tokens = 20, seed = 1 }))["choices"]![0]!["text"]!.GetValue<string>();

    private static async Task<string> ReadAsync(Socket socket)
    {
        StringBuilder text = new();
        byte[] buffer = new byte[1 << 16];
        try
        {
            int count;
            while ((count = await socket.ReceiveAsync(buffer, Cancellation)) > 0)
            {
                text.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
        }
        catch (SocketException)
        {
            // Cut off.
        }

        return text.ToString();
    }

    private Task<ServedRun> SlowServerAsync(TimeProvider time, int sequences = 1) => ServedRun.OfFolderAsync(
        served.Run.Folder, options => options with { MaxSequences = sequences, Limits = options.Limits with { Timeout = Timeout } }, time);
}
