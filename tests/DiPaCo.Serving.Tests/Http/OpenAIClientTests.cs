using System.ClientModel;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using OpenAI.Models;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

[Collection(nameof(ServedRunTests))]
public sealed class OpenAIClientTests(ServedRun served)
{
    private const string Prompt = "The old mill";

    [Fact]
    public async Task TheDotNetClientFindsModelsEmbeddingsAndErrors()
    {
        OpenAIClient client = new(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(served.Host.Address, "/v1") });
        ClientResult<OpenAIModelCollection> models = await client.GetOpenAIModelClient().GetModelsAsync();
        Assert.Contains($"{served.Model}:path-1", models.Value.Select(model => model.Id));

        EmbeddingClient embeddings = client.GetEmbeddingClient(served.Model);
        ClientResult<OpenAIEmbeddingCollection> result = await embeddings.GenerateEmbeddingsAsync([Prompt, "another"]);
        Assert.Equal(await FeaturesAsync(Prompt), result.Value[0].ToFloats().ToArray());

        ClientResultException chat = await Assert.ThrowsAsync<ClientResultException>(() =>
            client.GetChatClient(served.Model).CompleteChatAsync([new UserChatMessage(Prompt)]));
        Assert.Equal(400, chat.Status);
        Assert.Contains("no chat template", chat.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheJavaScriptClientCompletesStreamsEmbedsAndFails()
    {
        JsonNode said = await AskNodeAsync();
        JsonNode whole = await served.PostAsync("/v1/completions", new { model = served.Model, prompt = Prompt, max_tokens = 12, seed = 3, n = 2 });
        string[] texts = [.. whole["choices"]!.AsArray().Select(choice => choice!["text"]!.GetValue<string>())];
        Assert.Equal(texts, said["texts"]!.AsArray().Select(text => text!.GetValue<string>()));
        Assert.Equal(texts[0], said["streamed"]!.GetValue<string>());
        Assert.Equal(whole["dipaco"]!["path"]!.GetValue<int>(), said["path"]!.GetValue<int>());
        Assert.Equal(whole["choices"]![0]!["finish_reason"]!.GetValue<string>(), said["finish"]!.GetValue<string>());
        Assert.Equal(said["logprobs"]!.GetValue<int>(), said["tokens"]!.GetValue<int>());
        Assert.Equal(await FeaturesAsync(Prompt), said["embeddings"]![0]!.AsArray().Select(number => (float)number!.GetValue<double>()));
        Assert.Equal("""{"status":404,"code":"model_not_found","type":"NotFoundError"}""", said["errors"]!["unknown"]!.ToJsonString());
        Assert.Equal("""{"status":400,"code":"chat_template_missing","type":"BadRequestError"}""", said["errors"]!["chat"]!.ToJsonString());
        Assert.Equal("""{"status":400,"code":"context_length_exceeded","type":"BadRequestError"}""", said["errors"]!["tooLong"]!.ToJsonString());
    }

    private async Task<float[]> FeaturesAsync(string text) =>
        [.. (await served.PostAsync("/v1/embeddings", new { input = text }))["data"]![0]!["embedding"]!.AsArray().Select(number => number!.GetValue<float>())];

    private async Task<JsonNode> AskNodeAsync() => JsonNode.Parse(await NodeScript.RunOrSkipAsync(
        "openai", "openai", "OpenAI's JavaScript client is not installed: npm install --prefix tests/openai --no-package-lock",
        "client.mjs", [new Uri(served.Host.Address, "/v1").ToString(), served.Model, Prompt]))!;
}
