using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Serving.Http;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>The small run behind its API, on a port of its own.</summary>
public sealed class ServedRun : IAsyncLifetime
{
    private readonly TrainedRun? _run;
    private ServingHost _host = null!;

    public ServedRun(TrainedRun run) => _run = run;

    private ServedRun(ServingHost host)
    {
        _host = host;
        Client = new HttpClient { BaseAddress = host.Address };
    }

    public HttpClient Client { get; private set; } = null!;

    public TrainedRun Run => _run!;

    public string Model => _host.Model;

    internal ServingHost Host => _host;

    public async ValueTask InitializeAsync()
    {
        _host = await StartAsync(Run.Folder, options => options);
        Client = new HttpClient { BaseAddress = _host.Address };
    }

    /// <summary>Bytes of weights that have room for one path, or for the base model, and nothing beside it.</summary>
    public long RoomForOnePath() => Run.Grid.Topology.Paths.Select(Run.Grid.Topology.ModulesOf)
        .Append(ModelTopology.Dense(Run.Grid.Description.Shape).Modules).Max(modules => modules.Sum(module => LoadedModule.BytesOf(module.Layout, WeightType.Fp32)));

    /// <summary>Another run behind its API.</summary>
    public static async Task<ServedRun> OfFolderAsync(string folder, Func<ServingOptions, ServingOptions>? change = null, TimeProvider? time = null) =>
        new(await StartAsync(folder, change ?? (options => options), time));

    /// <summary>A server.</summary>
    public static Task<ServingHost> StartAsync(string folder, Func<ServingOptions, ServingOptions> change, TimeProvider? time = null, Action<string>? note = null) => ServingHost.StartAsync(
        folder,
        change(new ServingOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0), Threads = 1, Weights = WeightType.Fp32, CacheBytes = 64 << 20, WeightBytes = 256 << 20 }),
        time ?? TimeProvider.System, note ?? (_ => { }), TestContext.Current.CancellationToken);

    /// <summary>Posts an object; the answer must be a success.</summary>
    public async Task<JsonNode> PostAsync(string path, object body)
    {
        using HttpResponseMessage response = await Client.PostAsJsonAsync(path, body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    /// <summary>Posts bytes; returns status and error.</summary>
    public async Task<(HttpStatusCode Status, JsonNode? Error)> PostRawAsync(string path, byte[] body, string type = "application/json")
    {
        using ByteArrayContent content = new(body);
        content.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue(type);
        using HttpResponseMessage response = await Client.PostAsync(path, content);
        string text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, JsonNode.Parse(text)?["error"]);
    }

    /// <summary>Posts an object and reads the events of the stream that comes back.</summary>
    public async Task<List<JsonNode>> StreamAsync(string path, object body)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        using HttpResponseMessage response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return await EventsAsync(response);
    }

    /// <summary>Reads the events of a stream to its end.</summary>
    public static async Task<List<JsonNode>> EventsAsync(HttpResponseMessage response)
    {
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
        List<JsonNode> events = [];
        bool done = false;
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.Length > 0)
            {
                Assert.False(done);
                Assert.StartsWith("data: ", line, StringComparison.Ordinal);
                done = line == "data: [DONE]";
                if (!done)
                {
                    events.Add(JsonNode.Parse(line[6..])!);
                }
            }
        }

        Assert.True(done);
        return events;
    }

    /// <summary>Waits until a condition holds.</summary>
    public static async Task EventuallyAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _host.DisposeAsync();
    }
}
