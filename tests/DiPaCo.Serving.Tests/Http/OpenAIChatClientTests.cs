using System.ClientModel;
using System.Text;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Chat;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>Chats by OpenAI's own clients.</summary>
[Collection(nameof(ChatRunTests))]
public sealed class OpenAIChatClientTests(ChatRun chat)
{
    private const string Text = "The old mill";

    private ServedRun Served => chat.Served;

    [Fact]
    public async Task TheDotNetClientChatsAndStreams()
    {
        ChatClient client = new OpenAIClient(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(Served.Host.Address, "/v1") }).GetChatClient(Served.Model);
        ChatMessage[] messages = [new SystemChatMessage("Be brief."), new UserChatMessage(ChatMessageContentPart.CreateTextPart(Text))];
        ChatCompletionOptions Options() => new() { MaxOutputTokenCount = 12, Temperature = 0, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 };
        ChatCompletion whole = await client.CompleteChatAsync(messages, Options());
        JsonNode expected = await AskAsync(new { temperature = 0 });
        Assert.Equal(ContentOf(expected, 0), whole.Content[0].Text);
        Assert.Equal(ChatMessageRole.Assistant, whole.Role);
        Assert.Equal(expected["usage"]!["completion_tokens"]!.GetValue<int>(), whole.Usage.OutputTokenCount);
        Assert.Equal(whole.Usage.OutputTokenCount, whole.ContentTokenLogProbabilities.Count);
        Assert.Equal(expected["choices"]![0]!["finish_reason"]!.GetValue<string>(), whole.FinishReason.ToString().ToLowerInvariant());

        StringBuilder streamed = new();
        ChatFinishReason? finish = null;
        await foreach (StreamingChatCompletionUpdate update in client.CompleteChatStreamingAsync(messages, Options()))
        {
            streamed.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
            finish = update.FinishReason ?? finish;
        }

        Assert.Equal(whole.Content[0].Text, streamed.ToString());
        Assert.Equal(whole.FinishReason, finish);
    }

    [Fact]
    public async Task TheJavaScriptClientChatsStreamsAndFails()
    {
        JsonNode said = await AskNodeAsync();
        JsonNode whole = await AskAsync(new { seed = 3, n = 2 });
        Assert.Equal([ContentOf(whole, 0), ContentOf(whole, 1)], said["texts"]!.AsArray().Select(text => text!.GetValue<string>()));
        Assert.Equal(ContentOf(whole, 0), said["streamed"]!.GetValue<string>());
        Assert.Equal(ContentOf(whole, 0), said["final"]!.GetValue<string>());
        Assert.Equal(("assistant", "assistant"), (said["role"]!.GetValue<string>(), said["streamedRole"]!.GetValue<string>()));
        Assert.Equal(whole["choices"]![0]!["finish_reason"]!.GetValue<string>(), said["finish"]!.GetValue<string>());
        Assert.Equal(whole["dipaco"]!["path"]!.GetValue<int>(), said["path"]!.GetValue<int>());
        Assert.Equal(whole["usage"]!["completion_tokens"]!.GetValue<int>(), said["tokens"]!.GetValue<int>());
        Assert.Equal(said["logprobs"]!.GetValue<int>(), said["streamedTokens"]!.GetValue<int>());
        Assert.Equal("""{"status":400,"type":"BadRequestError"}""", said["error"]!.ToJsonString());
    }

    private static string ContentOf(JsonNode answer, int choice) => answer["choices"]![choice]!["message"]!["content"]!.GetValue<string>();

    private Task<JsonNode> AskAsync(object more)
    {
        JsonObject body = System.Text.Json.JsonSerializer.SerializeToNode(more)!.AsObject();
        body["model"] = Served.Model;
        body["max_completion_tokens"] = 12;
        body["messages"] = new JsonArray(
            new JsonObject { ["role"] = "system", ["content"] = "Be brief." }, new JsonObject { ["role"] = "user", ["content"] = Text });
        return Served.PostAsync("/v1/chat/completions", body);
    }

    private async Task<JsonNode> AskNodeAsync() => JsonNode.Parse(await NodeScript.RunOrSkipAsync(
        "openai", "openai", "OpenAI's JavaScript client is not installed: npm install --prefix tests/openai --no-package-lock",
        "chat.mjs", [new Uri(Served.Host.Address, "/v1").ToString(), Served.Model, Text]))!;
}
