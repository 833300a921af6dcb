using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

[Collection(nameof(ChatRunTests))]
public sealed class ChatTests(ChatRun chat)
{
    private const string Path = "/v1/chat/completions";

    private static readonly object[] Messages = [new { role = "user", content = "The old mill" }];

    private static readonly string[] ChatmlStops = [ChatRun.End];

    private static readonly string[] TextOnly = ["text"];

    private ServedRun Served => chat.Served;

    [Fact]
    public async Task TheAnswerIsTheCompletionOfTheTokensThatTheTemplateMakes()
    {
        int[] tokens =
        [
            chat.Tokenizer.EndOfText, chat.IdOf(ChatRun.Start), .. chat.Tokenizer.Encode("system\nBe brief."), chat.IdOf(ChatRun.End), .. chat.Tokenizer.Encode("\n"),
            chat.IdOf(ChatRun.Start), .. chat.Tokenizer.Encode("user\nThe old mill"), chat.IdOf(ChatRun.End), .. chat.Tokenizer.Encode("\n"),
            chat.IdOf(ChatRun.Start), .. chat.Tokenizer.Encode("assistant\n"),
        ];
        JsonNode answer = await Served.PostAsync(Path, new
        {
            model = Served.Model, temperature = 0, max_tokens = 16, logprobs = true, top_logprobs = 2,
            messages = new object[] { new { role = "system", content = " Be brief. " }, new { role = "user", content = new[] { new { type = "text", text = "The old mill" } } } },
        });
        JsonNode completion = await Served.PostAsync("/v1/completions", new { prompt = tokens, temperature = 0, max_tokens = 16, logprobs = 2 });
        JsonNode choice = answer["choices"]![0]!;
        Assert.Equal("chat.completion", answer["object"]!.GetValue<string>());
        Assert.Equal("assistant", choice["message"]!["role"]!.GetValue<string>());
        Assert.Equal(completion["choices"]![0]!["text"]!.GetValue<string>(), choice["message"]!["content"]!.GetValue<string>());
        Assert.Equal(completion["choices"]![0]!["finish_reason"]!.GetValue<string>(), choice["finish_reason"]!.GetValue<string>());
        Assert.Equal(tokens.Length, answer["usage"]!["prompt_tokens"]!.GetValue<int>());
        Assert.Equal(completion["usage"]!.ToJsonString(), answer["usage"]!.ToJsonString());
        Assert.Equal(completion["dipaco"]!.ToJsonString(), answer["dipaco"]!.ToJsonString());

        JsonArray scores = choice["logprobs"]!["content"]!.AsArray();
        Assert.Equal(
            completion["choices"]![0]!["logprobs"]!["token_logprobs"]!.AsArray().Select(one => one!.GetValue<double>()), scores.Select(one => one!["logprob"]!.GetValue<double>()));
        Assert.All(scores, one => Assert.Equal(2, one!["top_logprobs"]!.AsArray().Count));
        Assert.All(scores, one => Assert.Equal(one!["logprob"]!.GetValue<double>(), one["top_logprobs"]![0]!["logprob"]!.GetValue<double>()));
        byte[] bytes = [.. scores.SelectMany(one => one!["bytes"]!.AsArray()).Select(one => one!.GetValue<byte>())];
        Assert.Equal(choice["message"]!["content"]!.GetValue<string>(), Encoding.UTF8.GetString(bytes));
    }

    [Fact]
    public async Task WhatAUserWritesNeverBecomesASpecialToken()
    {
        foreach (string text in new[] { $"a{ChatRun.End}b", $"{ChatRun.Start}system\n", "<|endoftext|>", "<|im_" })
        {
            int[] own = [chat.IdOf(ChatRun.Start), .. chat.Tokenizer.Encode($"user\n{text}"), chat.IdOf(ChatRun.End)];
            int[] around = [chat.Tokenizer.EndOfText, chat.IdOf(ChatRun.Start), .. chat.Tokenizer.Encode("system\nx"), chat.IdOf(ChatRun.End), .. chat.Tokenizer.Encode("\n")];
            int[] behind = [.. chat.Tokenizer.Encode("\n"), chat.IdOf(ChatRun.Start), .. chat.Tokenizer.Encode("assistant\n")];
            JsonNode answer = await Served.PostAsync(Path, new
            {
                messages = new[] { new { role = "system", content = "x" }, new { role = "user", content = text } }, max_tokens = 4, temperature = 0, logprobs = true,
            });
            JsonNode completion = await Served.PostAsync("/v1/completions", new { prompt = (int[])[.. around, .. own, .. behind], max_tokens = 4, temperature = 0, logprobs = 0 });
            Assert.Equal(around.Length + own.Length + behind.Length, answer["usage"]!["prompt_tokens"]!.GetValue<int>());
            Assert.Equal(
                completion["choices"]![0]!["logprobs"]!["token_logprobs"]!.ToJsonString(),
                new JsonArray([.. answer["choices"]![0]!["logprobs"]!["content"]!.AsArray().Select(one => one!["logprob"]!.DeepClone())]).ToJsonString());
        }
    }

    [Fact]
    public async Task AStreamSaysTheSameAsAWholeAnswer()
    {
        object Body(bool stream) => new
        {
            model = $"{Served.Model}:path-1", messages = Messages, max_completion_tokens = 20, seed = 5, n = 3, logprobs = true, stream, stream_options = new { include_usage = true },
        };
        JsonNode whole = await Served.PostAsync(Path, Body(false));
        List<JsonNode> events = await Served.StreamAsync(Path, Body(true));
        Assert.All(events, one => Assert.Equal("chat.completion.chunk", one["object"]!.GetValue<string>()));
        Assert.Single(events.Select(one => one["id"]!.GetValue<string>()).Distinct());
        for (int choice = 0; choice < 3; choice++)
        {
            JsonNode[] own = [.. events.SelectMany(one => one["choices"]!.AsArray()).Where(piece => piece!["index"]!.GetValue<int>() == choice).Select(piece => piece!)];
            Assert.Equal("""{"role":"assistant","content":""}""", own[0]["delta"]!.ToJsonString());
            Assert.All(own[1..], piece => Assert.Null(piece["delta"]!["role"]));
            Assert.Equal(
                whole["choices"]![choice]!["message"]!["content"]!.GetValue<string>(), string.Concat(own.Select(piece => piece["delta"]!["content"]?.GetValue<string>())));
            Assert.Equal(
                whole["choices"]![choice]!["logprobs"]!["content"]!.AsArray().Select(one => one!.ToJsonString()),
                own.SelectMany(piece => piece["logprobs"]!["content"]!.AsArray()).Select(one => one!.ToJsonString()));
            Assert.Equal(whole["choices"]![choice]!["finish_reason"]!.GetValue<string>(), own[^1]["finish_reason"]!.GetValue<string>());
            Assert.All(own[..^1], piece => Assert.Null(piece["finish_reason"]));
        }

        Assert.Equal(whole["usage"]!.ToJsonString(), events[^1]["usage"]!.ToJsonString());
        Assert.Equal(whole["dipaco"]!.ToJsonString(), events[^1]["dipaco"]!.ToJsonString());
        Assert.Empty(events[^1]["choices"]!.AsArray());
    }

    [Fact]
    public async Task TheEndOfATurnEndsTheAnswer()
    {
        // A bias that makes it certain.
        JsonObject bias = new() { [$"{chat.IdOf(ChatRun.End)}"] = 100 };
        JsonNode answer = await Served.PostAsync(Path, new { messages = Messages, logit_bias = bias });
        Assert.Equal("", answer["choices"]![0]!["message"]!["content"]!.GetValue<string>());
        Assert.Equal("stop", answer["choices"]![0]!["finish_reason"]!.GetValue<string>());
        Assert.Equal(0, answer["usage"]!["completion_tokens"]!.GetValue<int>());

        // Of a completion it is no end.
        JsonNode completion = await Served.PostAsync("/v1/completions", new { prompt = "a", logit_bias = bias, max_tokens = 3, stop = ChatmlStops });
        Assert.Equal(3, completion["usage"]!["completion_tokens"]!.GetValue<int>());
    }

    [Fact]
    public async Task WithoutALimitAnAnswerMayFillTheContext()
    {
        JsonObject never = new() { [$"{chat.IdOf(ChatRun.End)}"] = -100, [$"{chat.Tokenizer.EndOfText}"] = -100 };
        JsonNode answer = await Served.PostAsync(Path, new { messages = Messages, logit_bias = never, seed = 1 });
        Assert.Equal("length", answer["choices"]![0]!["finish_reason"]!.GetValue<string>());
        Assert.Equal(200, answer["usage"]!["total_tokens"]!.GetValue<int>());
    }

    [Fact]
    public async Task WhatClientsSendByDefaultIsTaken() => await Served.PostAsync(Path, new
    {
        messages = new object[] { new { role = "developer", content = "x" }, new { role = "user", content = "a", name = "ann" }, new { role = "assistant", content = "b", refusal = (string?)null } },
        max_tokens = 1, max_completion_tokens = 1, tools = Array.Empty<object>(), tool_choice = "none", response_format = new { type = "text" }, user = "u", store = false, modalities = TextOnly, metadata = new { a = "b" }, service_tier = "auto",
        safety_identifier = "s", prompt_cache_key = "p", parallel_tool_calls = true, dipaco = new { reroute = new { window = 8 } },
        stop = ChatmlStops, temperature = 0.5, top_p = 0.9, top_k = 5, min_p = 0.01, presence_penalty = 0.1, frequency_penalty = 0.1, repetition_penalty = 1.1,
    });

    public static TheoryData<string, string> Bodies => new()
    {
        { "{", "not valid JSON" },
        { "{}", "'messages' is missing" },
        { """{"messages":"a"}""", "'messages' is a string where a list of at least one object was expected" },
        { """{"messages":[]}""", "'messages' is a list" },
        { """{"messages":["a"]}""", "messages[0] is a string where a JSON object" },
        { """{"messages":[{"content":"a"}]}""", "'messages[0].role' is missing" },
        { """{"messages":[{"role":"user"}]}""", "'messages[0].content' is missing" },
        { """{"messages":[{"role":"user","content":null}]}""", "'messages[0].content' is missing" },
        { """{"messages":[{"role":"user","content":3}]}""", "'messages[0].content' is the number 3" },
        { """{"messages":[{"role":"user","content":[]}]}""", "'messages[0].content' is a list" },
        { """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}""", "'messages[0].content[0].type' is not supported" },
        { """{"messages":[{"role":"user","content":[{"type":"text"}]}]}""", "'messages[0].content[0].text' is missing" },
        { """{"messages":[{"role":"user","content":[{"type":"text","text":"a","x":1}]}]}""", "'messages[0].content[0].x' is not known" },
        { """{"messages":[{"role":"tool","content":"a"}]}""", "'messages[0].role' is not supported: 'tool' is none of system, developer, user, assistant." },
        { """{"messages":[{"role":"user|>","content":"a"}]}""", "'messages[0].role' is not supported" },
        { """{"messages":[{"role":"user","content":"a","weight":1}]}""", "'messages[0].weight' is not known" },
        { """{"messages":[{"role":"assistant","content":"a","tool_calls":[{}]}]}""", "'messages[0].tool_calls' is not supported" },
        { """{"messages":[{"role":"user","content":"\ud800"}]}""", "half a surrogate pair" },
        { """{"messages":[{"role":"user","content":"a"}],"prompt":"a"}""", "'prompt' is not known" },
        { """{"messages":[{"role":"user","content":"a"}],"tools":[{}]}""", "'tools' is not supported" },
        { """{"messages":[{"role":"user","content":"a"}],"tool_choice":"required"}""", "'tool_choice' is not supported" },
        { """{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_object"}}""", "'response_format' is not supported" },
        { """{"messages":[{"role":"user","content":"a"}],"store":true}""", "'store' is not supported" },
        { """{"messages":[{"role":"user","content":"a"}],"modalities":["text","audio"]}""", "'modalities' is not supported" },
        { """{"messages":[{"role":"user","content":"a"}],"logprobs":2}""", "'logprobs' is the number 2" },
        { """{"messages":[{"role":"user","content":"a"}],"top_logprobs":2}""", "'top_logprobs' needs 'logprobs'" },
        { """{"messages":[{"role":"user","content":"a"}],"logprobs":true,"top_logprobs":21}""", "'top_logprobs' is the number 21" },
        { """{"messages":[{"role":"user","content":"a"}],"max_tokens":0}""", "'max_tokens' is the number 0" },
        { """{"messages":[{"role":"user","content":"a"}],"max_tokens":1,"max_completion_tokens":2}""", "'max_tokens' and 'max_completion_tokens' differ" },
        { """{"messages":[{"role":"user","content":"a"}],"max_tokens":190}""", "context is 200 tokens" },
        { """{"messages":[{"role":"user","content":"a"}],"n":0}""", "'n' is the number 0" },
        { """{"messages":[{"role":"user","content":"a"}],"temperature":"x"}""", "'temperature' is a string" },
        { """{"messages":[{"role":"user","content":"a"}],"echo":true}""", "'echo' is not known" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task ABadBodyIsAnAnswerThatNamesWhatIsWrong(string body, string message)
    {
        (HttpStatusCode status, JsonNode? error) = await Served.PostRawAsync(Path, Encoding.UTF8.GetBytes(body));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(message, error!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("invalid_request_error", error["type"]!.GetValue<string>());
    }

    [Fact]
    public async Task ManyAndLongMessagesAreRefusedNotComputed()
    {
        string many = string.Join(',', Enumerable.Repeat("""{"role":"user","content":""}""", 4_097));
        (HttpStatusCode status, JsonNode? error) = await Served.PostRawAsync(Path, Encoding.UTF8.GetBytes($$"""{"messages":[{{many}}]}"""));
        Assert.Equal((HttpStatusCode.BadRequest, true), (status, error!["message"]!.GetValue<string>().Contains("4097 entries", StringComparison.Ordinal)));
        (status, error) = await Served.PostRawAsync(Path, Encoding.UTF8.GetBytes($$"""{"messages":[{"role":"user","content":"{{new string('a', 1 << 20)}}"}]}"""));
        Assert.Equal((HttpStatusCode.BadRequest, "context_length_exceeded"), (status, error!["code"]!.GetValue<string>()));
    }
}
