using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Serving.Export;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Tests.Chat.Templates;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>Where chat templates come from, and where they go.</summary>
[Collection(nameof(ChatRunTests))]
public sealed class ChatTemplateTests(ChatRun chat, TrainedRun plain)
{
    private const string ChatPath = "/v1/chat/completions";

    private static readonly object Hello = new { messages = new[] { new { role = "user", content = "Hello" } }, max_tokens = 8, temperature = 0 };

    private readonly CancellationToken _token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnExportedModelChatsAsTheRunDoes()
    {
        string folder = chat.NewPath();
        await ModelExport.ExportGridAsync(chat.Grid, folder, _token);
        Assert.Contains("\"tokenizer_config.json\"", File.ReadAllText(Path.Combine(folder, "manifest.json")), StringComparison.Ordinal);
        ServedRun exported = await ServedRun.OfFolderAsync(folder);
        await using (exported)
        {
            Assert.Equal(Content(await chat.Served.PostAsync(ChatPath, Hello)), Content(await exported.PostAsync(ChatPath, Hello)));
        }

        File.AppendAllText(Path.Combine(folder, "tokenizer_config.json"), " ");
        DiPaCoException changed = await Assert.ThrowsAsync<DiPaCoException>(() => ServedRun.OfFolderAsync(folder));
        Assert.Contains("tokenizer_config.json", changed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHuggingFaceFolderHasTheTemplateAndItsTokens()
    {
        string folder = chat.NewPath();
        await ModelExport.ExportPathAsync(chat.Grid, chat.Grid.Topology.Paths[0], ExportFormat.HuggingFace, ExportType.F32, folder, _token);
        Assert.Equal(new ChatFormat(Families.ChatMl) { End = ChatRun.End }, ChatFormatFile.Find([folder])!.Value.Format);
        using JsonDocument generation = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "generation_config.json")));
        Assert.Equal([chat.Tokenizer.EndOfText, chat.IdOf(ChatRun.End)], generation.RootElement.GetProperty("eos_token_id").EnumerateArray().Select(id => id.GetInt32()));
    }

    [Fact]
    public async Task AGgufFileHasTheTemplateAndItsEnd()
    {
        string file = chat.NewPath() + ".gguf";
        await ModelExport.ExportPathAsync(chat.Grid, chat.Grid.Topology.Paths[0], ExportFormat.Gguf, ExportType.F32, file, _token);
        GgufReader gguf = new(file);
        Assert.Equal(Families.ChatMl, gguf.Pairs["tokenizer.chat_template"]);
        Assert.Equal((uint)chat.IdOf(ChatRun.End), gguf.Pairs["tokenizer.ggml.eot_token_id"]);
        Assert.Equal((uint)chat.Tokenizer.EndOfText, gguf.Pairs["tokenizer.ggml.eos_token_id"]);
        int[] tokens = [chat.Tokenizer.EndOfText, chat.IdOf(ChatRun.Start), .. chat.Tokenizer.Encode("a mill")];
        LlamaCpp.Prediction prediction = await LlamaCpp.PredictOrSkipAsync(file, tokens, 1, "a mill");
        Assert.Equal(chat.Tokenizer.Encode("a mill"), prediction.Words);
    }

    [Fact]
    public async Task ATemplateReachesNoWeightAndARunKeepsIt()
    {
        string input = chat.NewPath();
        LoadedConfig config = await ChatRun.PrepareAsync(plain, input);
        string without = Path.Combine(input, "without");
        RunResults first = await TrainAsync(config, without);
        Assert.Null(ServedGrid.Open(without).Description.ChatTemplate);
        Assert.DoesNotContain("chat", File.ReadAllText(Path.Combine(without, "run.json")), StringComparison.Ordinal);
        Assert.DoesNotContain("chat", File.ReadAllText(Path.Combine(without, "model.json")), StringComparison.OrdinalIgnoreCase);

        // Named by the configuration.
        string template = Path.Combine(input, "own.jinja");
        File.WriteAllText(template, "{{ messages[0].content }}");
        LoadedConfig named = config with { Config = config.Config with { Tokenizer = config.Config.Tokenizer with { ChatTemplate = template } } };
        string with = Path.Combine(input, "with");
        Assert.Equal(first.ModelDigest, (await TrainAsync(named, with)).ModelDigest);
        Assert.Equal(new ChatFormat("{{ messages[0].content }}"), await ServedGrid.Open(with).LoadChatFormatAsync(_token));

        // It is kept without the file, and a run that has none takes the one that comes to lie beside its tokenizer.
        File.Move(template, Path.Combine(input, "chat_template.jinja"));
        foreach ((LoadedConfig run, string folder) in new[] { (named, with), (config, without) })
        {
            File.Delete(Path.Combine(folder, "results.json"));
            File.Delete(Path.Combine(folder, "model.json"));
            Assert.Equal(first.ModelDigest, (await TrainAsync(run, folder)).ModelDigest);
            Assert.Equal("{{ messages[0].content }}", (await ServedGrid.Open(folder).LoadChatFormatAsync(_token))!.Template);
            VerifyResult verified = await new RunEngine(TimeProvider.System).VerifyAsync(folder, repair: false, new SilentObserver(), _token);
            Assert.Empty(verified.Damaged);
        }

        DiPaCoException missing = await Assert.ThrowsAsync<DiPaCoException>(() => TrainAsync(named, Path.Combine(input, "third")));
        Assert.Contains("own.jinja' does not exist", missing.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(input, "third")));
    }

    [Fact]
    public async Task ARunWithoutATemplateSaysSo()
    {
        ServedRun served = await ServedRun.OfFolderAsync(plain.Folder);
        await using (served)
        {
            (HttpStatusCode status, JsonNode? error) = await served.PostRawAsync(ChatPath, JsonSerializer.SerializeToUtf8Bytes(Hello));
            Assert.Equal((HttpStatusCode.BadRequest, "chat_template_missing"), (status, error!["code"]!.GetValue<string>()));
        }
    }

    [Theory]
    [InlineData("{{ nothing", "chat_template_invalid", "line 1: '{{' is not closed")]
    [InlineData("{{ nothing.a }}", "chat_template_failed", "line 1: 'nothing' is undefined")]
    [InlineData("{{ raise_exception('only two') }}", "messages_refused", "only two")]
    [InlineData("{% for a in range(99999999) %}{% endfor %}", "chat_template_failed", "steps")]
    public async Task ATemplateThatFailsIsAnAnswerThatSaysWhy(string template, string code, string message)
    {
        ServedRun served = await ServedRun.OfFolderAsync(await ExportWithAsync(new ChatFormat(template)));
        await using (served)
        {
            (HttpStatusCode status, JsonNode? error) = await served.PostRawAsync(ChatPath, JsonSerializer.SerializeToUtf8Bytes(Hello));
            Assert.Equal((HttpStatusCode.BadRequest, code), (status, error!["code"]!.GetValue<string>()));
            Assert.Contains(message, error["message"]!.GetValue<string>(), StringComparison.Ordinal);
            await served.PostAsync("/v1/completions", new { prompt = "a", max_tokens = 1 });
        }
    }

    [Theory]
    [InlineData("{{ bos_token }}{{ messages[0].content }}", "<|im_start|>", 1)]
    [InlineData("<|endoftext|>{{ messages[0].content }}", null, 1)]
    [InlineData("{{ messages[0].content }}", "<|im_start|>", 1)]
    [InlineData("{{ bos_token }}{{ eos_token }}{{ messages[0].content }}", null, 2)]
    public async Task APromptBeginsWithOneTokenAndNotWithTwo(string template, string? beginning, int tokensBefore)
    {
        ServedRun served = await ServedRun.OfFolderAsync(await ExportWithAsync(new ChatFormat(template) { Beginning = beginning }));
        await using (served)
        {
            JsonNode answer = await served.PostAsync(ChatPath, Hello);
            Assert.Equal(tokensBefore + chat.Tokenizer.Encode("Hello").Length, answer["usage"]!["prompt_tokens"]!.GetValue<int>());
        }
    }

    private static string Content(JsonNode answer) => answer["choices"]![0]!["message"]!["content"]!.GetValue<string>();

    /// <summary>The model with another template: its manifest names whatever file has the hash.</summary>
    private async Task<string> ExportWithAsync(ChatFormat format)
    {
        string folder = chat.NewPath();
        await ModelExport.ExportGridAsync(chat.Grid, folder, _token);
        byte[] file = ChatFormatFile.Write(format);
        File.WriteAllBytes(Path.Combine(folder, "tokenizer_config.json"), file);
        string manifest = Path.Combine(folder, "manifest.json");
        JsonNode json = JsonNode.Parse(File.ReadAllText(manifest))!;
        json["model"]!["chatTemplate"] = BlobHash.Of(file).Hex;
        JsonNode entry = json["files"]!.AsArray().Single(one => one!["path"]!.GetValue<string>() == "tokenizer_config.json")!;
        entry["blob"] = BlobHash.Of(file).Hex;
        entry["bytes"] = file.Length;
        File.WriteAllText(manifest, json.ToJsonString());
        return folder;
    }

    private static Task<RunResults> TrainAsync(LoadedConfig config, string folder) =>
        new RunEngine(TimeProvider.System) { MeasuresMachine = false }.TrainAsync(config, folder, new SilentObserver(), TestContext.Current.CancellationToken);
}
