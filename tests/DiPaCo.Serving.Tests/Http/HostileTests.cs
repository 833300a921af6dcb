using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Serving.Http;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

[Collection(nameof(ServedRunTests))]
public sealed class HostileTests(ServedRun served)
{
    public static TheoryData<string, string> Bodies => new()
    {
        { "", "not valid JSON" },
        { "{", "not valid JSON" },
        { "[]", "a list where a JSON object" },
        { "null", "null where a JSON object" },
        { "3", "the number 3" },
        { """{"prompt":"a","prompt2":1}""", "'prompt2' is not known" },
        { """{"prompt":null}""", "'prompt' is missing" },
        { """{"prompt":{}}""", "'prompt' is an object" },
        { """{"prompt":[]}""", "'prompt' is a list" },
        { """{"prompt":[[]]}""", "'prompt' is a list" },
        { """{"prompt":["a",3]}""", "'prompt' is the number 3" },
        { """{"prompt":[1.5]}""", "a token from 0" },
        { """{"prompt":[-1]}""", "a token from 0" },
        { """{"prompt":[99999999999999999999]}""", "a token from 0" },
        { """{"prompt":"\ud800"}""", "half a surrogate pair" },
        { """{"\ud800":1}""", "half a surrogate pair" },
        { """{"prompt":"a","stop":["\udc00"]}""", "half a surrogate pair" },
        { """{"prompt":"a","model":"\ud800x"}""", "half a surrogate pair" },
        { """{"prompt":"a","logit_bias":{"\ud800":1}}""", "half a surrogate pair" },
        { """{"prompt":"a","max_tokens":"5"}""", "'max_tokens' is a string" },
        { """{"prompt":"a","max_tokens":1e400}""", "'max_tokens' is the number" },
        { """{"prompt":"a","max_tokens":-1}""", "'max_tokens' is the number -1" },
        { """{"prompt":"a","max_tokens":2.5}""", "'max_tokens' is the number 2.5" },
        { """{"prompt":"a","max_tokens":1000}""", "context" },
        { """{"prompt":"a","temperature":1e400}""", "'temperature' is the number" },
        { """{"prompt":"a","temperature":-0.1}""", "'temperature' is the number" },
        { """{"prompt":"a","temperature":true}""", "'temperature' is true" },
        { """{"prompt":"a","n":0}""", "'n' is the number 0" },
        { """{"prompt":"a","n":100000}""", "'n' is the number" },
        { """{"prompt":"a","n":2,"best_of":3}""", "best_of" },
        { """{"prompt":"a","stream":1}""", "'stream' is the number 1" },
        { """{"prompt":"a","stream_options":{"x":1}}""", "'stream_options.x' is not known" },
        { """{"prompt":"a","logprobs":21}""", "'logprobs' is the number 21" },
        { """{"prompt":"a","seed":1e30}""", "'seed' is the number" },
        { """{"prompt":"a","logit_bias":{"x":1}}""", "'logit_bias' names the token" },
        { """{"prompt":"a","logit_bias":{"5":1000}}""", "'logit_bias.5' is the number" },
        { """{"prompt":"a","logit_bias":[1]}""", "logit_bias" },
        { """{"prompt":"a","suffix":"b"}""", "'suffix' is not supported" },
        { """{"prompt":"a","stop":[1]}""", "'stop' is a list" },
        { """{"prompt":"a","dipaco":{"reroute":{"window":0}}}""", "'dipaco.reroute.window'" },
        { """{"prompt":"a","dipaco":{"reroute":{"router":"x"}}}""", "'dipaco.reroute.router'" },
        { """{"prompt":"a","model":7}""", "'model' is the number 7" },
        { """{"prompt":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}""", "not valid JSON" },
    };

    [Fact]
    public async Task NoPromptIsInWhatTheServerSays()
    {
        const string secret = "Xylophonquartz";
        ConcurrentQueue<string> notes = [];
        string folder = served.Run.Copy();
        await using ServingHost host = await ServedRun.StartAsync(
            folder, options => options with { WeightBytes = served.RoomForOnePath(), Refresh = TimeSpan.FromDays(1) }, note: notes.Enqueue);

        // Some requests fail on the server's side, too.
        Directory.Delete(Path.Combine(folder, "blobs"), recursive: true);
        using HttpClient client = new() { BaseAddress = host.Address };
        HashSet<HttpStatusCode> answers = [];
        foreach ((string path, string body) in new[]
        {
            ("completions", $$"""{"prompt":"{{secret}}","model":"{{host.Model}}:path-0","max_tokens":5}"""),
            ("completions", $$"""{"prompt":"{{secret}}","model":"{{host.Model}}:path-3","max_tokens":5}"""),
            ("completions", $$"""{"prompt":"{{secret}}","model":"{{host.Model}}:path-1","stream":true,"max_tokens":5}"""),
            ("completions", $$"""{"prompt":"{{secret}} """),
            ("completions", $$"""{"prompt":"a","{{secret}}":1}"""),
            ("completions", $$"""{"prompt":"a","model":"{{secret}}"}"""),
            ("completions", $$"""{"prompt":"{{string.Concat(Enumerable.Repeat(secret, 1000))}}"}"""),
            ("embeddings", $$"""{"input":"{{secret}}"}"""),
            ("route", $$"""{"input":"{{secret}}"}"""),
        })
        {
            using StringContent content = new(body, Encoding.UTF8, "application/json");
            using HttpResponseMessage response = await client.PostAsync($"/v1/{path}", content);
            await response.Content.ReadAsStringAsync();
            answers.Add(response.StatusCode);
        }

        Assert.Contains(HttpStatusCode.BadRequest, answers);
        Assert.Contains(HttpStatusCode.ServiceUnavailable, answers);
        Assert.Contains(notes, note => note.Contains("/v1/completions", StringComparison.Ordinal));
        Assert.DoesNotContain(notes, note => note.Contains(secret, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task ABadBodyIsAnAnswerThatNamesWhatIsWrong(string body, string message)
    {
        (HttpStatusCode status, JsonNode? error) = await served.PostRawAsync("/v1/completions", Encoding.UTF8.GetBytes(body));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(message, error!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("invalid_request_error", error["type"]!.GetValue<string>());
    }

    [Fact]
    public async Task BytesThatAreNoTextAreRefused()
    {
        byte[] body = [.. Encoding.ASCII.GetBytes("""{"prompt":"a"""), 0xFF, 0xFE, .. Encoding.ASCII.GetBytes("""b"}""")];
        (HttpStatusCode status, JsonNode? error) = await served.PostRawAsync("/v1/completions", body);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.NotNull(error);
    }

    [Fact]
    public async Task APromptOfTenMegabytesIsTooLarge()
    {
        (HttpStatusCode status, JsonNode? error) = await served.PostRawAsync("/v1/completions", Encoding.UTF8.GetBytes($$"""{"prompt":"{{new string('a', 10 << 20)}}"}"""));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
        Assert.Contains("this server takes at most", error!["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task APromptOfAMegabyteDoesNotFitIntoTheContext()
    {
        (HttpStatusCode status, JsonNode? error) = await served.PostRawAsync("/v1/completions", Encoding.UTF8.GetBytes($$"""{"prompt":"{{new string('a', 1 << 20)}}"}"""));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("context_length_exceeded", error!["code"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("/v1/completions", "prompt")]
    [InlineData("/v1/embeddings", "input")]
    [InlineData("/v1/route", "input")]
    public async Task WhatCannotFitIsRefusedBeforeItIsReadOrCutIntoTokens(string path, string field)
    {
        string numbers = string.Concat(Enumerable.Repeat("1,", 1 << 19));
        foreach ((string value, string expected) in new[] { ($"\"{new string('a', 1 << 20)}\"", $"has {1 << 20} bytes"), ($"[{numbers}[1]]", $"has {(1 << 19) + 1} tokens") })
        {
            (HttpStatusCode status, JsonNode? error) = await served.PostRawAsync(path, Encoding.UTF8.GetBytes($$"""{"{{field}}":{{value}}}"""));
            Assert.Equal((HttpStatusCode.BadRequest, "context_length_exceeded"), (status, error!["code"]!.GetValue<string>()));
            Assert.Contains(expected, error["message"]!.GetValue<string>(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ATextThatTheTokenizerGivesUpIsTheClientsErrorAndNotALostModel()
    {
        ApiException error = Assert.Throws<ApiException>(() => PromptTokens.Of<int>(
            served.Host.Engine.Source.Current, "a", 48, "prompt", () => throw new DiPaCoException("takes more than 30 s on one text")));
        Assert.Equal((400, "prompt", "tokenizer_failed"), (error.Status, error.Parameter, error.Code));
        Assert.Contains("30 s", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/embeddings", """{"input":3}""", 400)]
    [InlineData("/v1/embeddings", """{"input":"a","encoding_format":"hex"}""", 400)]
    [InlineData("/v1/embeddings", """{"input":"a","dimensions":3}""", 400)]
    [InlineData("/v1/route", """{"input":""", 400)]
    [InlineData("/v1/route", """{"prompt":"a"}""", 400)]
    [InlineData("/v1/completions", """{"prompt":"a","model":"other"}""", 404)]
    [InlineData("/v1/completions", """{"prompt":"a","model":"small:path-99"}""", 404)]
    [InlineData("/v1/completions", """{"prompt":"a","model":"small:path--1"}""", 404)]
    [InlineData("/v1/chat/completions", """{"messages":[]}""", 400)]
    [InlineData("/v1/nothing", "{}", 404)]
    [InlineData("/v1/models", "{}", 405)]
    public async Task OtherMistakesAreErrorsOfTheSameShape(string path, string body, int expected)
    {
        (HttpStatusCode status, JsonNode? error) = await served.PostRawAsync(path, Encoding.UTF8.GetBytes(body));
        Assert.Equal(expected, (int)status);
        Assert.NotEmpty(error!["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task OnlyJsonIsTaken()
    {
        (HttpStatusCode status, _) = await served.PostRawAsync("/v1/completions", "{\"prompt\":\"a\"}"u8.ToArray(), "text/plain");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, status);
    }

    [Fact]
    public async Task AnotherHostsNameIsRefused()
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/v1/models");
        request.Headers.Host = "evil.example";
        using HttpResponseMessage response = await served.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task ModelsHealthMetricsAndThePageAnswer()
    {
        JsonNode models = JsonNode.Parse(await served.Client.GetStringAsync("/v1/models"))!;
        Assert.Equal(1 + served.Run.Grid.Topology.Paths.Length, models["data"]!.AsArray().Count);
        Assert.Equal("small:path-2", JsonNode.Parse(await served.Client.GetStringAsync("/v1/models/small:path-2"))!["id"]!.GetValue<string>());
        Assert.Equal("live\n", await served.Client.GetStringAsync("/health/live"));
        Assert.Equal("ready\n", await served.Client.GetStringAsync("/health/ready"));
        Assert.Contains("<textarea id=\"prompt\"", await served.Client.GetStringAsync("/"), StringComparison.Ordinal);
        Assert.Contains("dipaco_sequences_active ", await served.Client.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }
}
