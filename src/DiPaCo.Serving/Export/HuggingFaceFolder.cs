using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model.Checkpoints;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Runtime.Storage;
using DiPaCo.Serving.Grids;

namespace DiPaCo.Serving.Export;

/// <summary>
/// One path as a checkpoint folder of Hugging Face's layout: a Llama model. Feed-forwards of GELU without a gate are what the Arcee
/// architecture has, which is Llama but for that.
/// </summary>
internal static class HuggingFaceFolder
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the files into a folder that is there and empty.</summary>
    /// <param name="grid">The model.</param>
    /// <param name="path">Which path.</param>
    /// <param name="type">How elements are stored: f32, f16 or bf16.</param>
    /// <param name="folder">Where.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <exception cref="DiPaCoException">A blob is missing or damaged, or the disk is full.</exception>
    public static async Task WriteAsync(ServedGrid grid, PathId path, ExportType type, string folder, CancellationToken cancellationToken)
    {
        byte[] file = await grid.ReadTokenizerFileAsync(cancellationToken);
        TextTokenizer tokenizer = TokenizerFile.Load(file, "the model's tokenizer");
        int endOfText = tokenizer.EndOfText;
        ChatFormat? chat = await grid.LoadChatFormatAsync(cancellationToken);
        await WriteWeightsAsync(grid, path, type, Path.Combine(folder, "model.safetensors"), cancellationToken);
        Write(folder, "config.json", Config(grid.Description, type, endOfText));
        Write(folder, "generation_config.json", new JsonObject { ["bos_token_id"] = endOfText, ["eos_token_id"] = Ends(tokenizer, chat), ["do_sample"] = true, ["temperature"] = 0.8 });
        TokenizerKind kind = TokenizerFile.KindOf(file);
        DurableFile.WriteAllBytes(Path.Combine(folder, TokenizerFile.NameOf(kind)), file);
        string? end = kind == TokenizerKind.HuggingFace ? NameOf(file, endOfText) : null;
        if (end is not null || chat is not null)
        {
            Write(folder, ChatFormatFile.ConfigName, TokenizerConfig(kind, end, chat, grid.Description.SequenceLength));
        }

        DurableFile.WriteAllBytes(Path.Combine(folder, "README.md"), System.Text.Encoding.UTF8.GetBytes(ModelCard.Of(grid, path)));
    }

    /// <summary>With a chat template the tokens are those that its maker named: it may write them.</summary>
    private static JsonObject TokenizerConfig(TokenizerKind kind, string? end, ChatFormat? chat, int length)
    {
        JsonObject config = [];
        if (kind == TokenizerKind.HuggingFace)
        {
            config["tokenizer_class"] = "PreTrainedTokenizerFast";
        }

        foreach ((string key, string? token) in ChatFormatFile.NamedTokens((chat ?? new ChatFormat("")).WithTokens(end)))
        {
            if (token is not null)
            {
                config[key] = token;
            }
        }

        config["clean_up_tokenization_spaces"] = false;
        config["model_max_length"] = length;
        if (chat is not null)
        {
            config["chat_template"] = chat.Template;
        }

        return config;
    }

    /// <summary>What ends a text, and what ends an assistant's turn where that is another token.</summary>
    private static JsonNode Ends(TextTokenizer tokenizer, ChatFormat? chat) =>
        tokenizer.SpecialTokens.FirstOrDefault(token => token.Content == chat?.End) is { } end && end.Id != tokenizer.EndOfText
            ? new JsonArray(tokenizer.EndOfText, end.Id)
            : JsonValue.Create(tokenizer.EndOfText);

    private static async Task WriteWeightsAsync(ServedGrid grid, PathId path, ExportType type, string file, CancellationToken cancellationToken)
    {
        ImmutableArray<LlamaTensor> tensors = LlamaTensor.Of(grid.Description.Shape);
        TensorDType dtype = type switch
        {
            ExportType.F32 => TensorDType.F32,
            ExportType.F16 => TensorDType.F16,
            ExportType.Bf16 => TensorDType.BF16,
            _ => throw new DiPaCoException("A Hugging Face checkpoint holds f32, f16 or bf16; q8_0 is a type of GGUF files (--format gguf)."),
        };
        using PathWeights weights = await PathWeights.OpenAsync(grid, path, cancellationToken);
        using DurableFile durable = DurableFile.Create(Path.GetDirectoryName(file)!);
        SafeTensorsWriter writer = new(durable.Stream, [.. tensors.Select(tensor => new TensorSpec(tensor.Name, dtype, tensor.Shape))], [new("format", "pt")]);
        foreach (LlamaTensor tensor in tensors)
        {
            cancellationToken.ThrowIfCancellationRequested();
            writer.Append(ElementCodec.Encode(type, weights.Read(tensor), tensor.Name));
        }

        writer.Complete();
        durable.Commit(file);
    }

    private static JsonObject Config(GridDescription model, ExportType type, int endOfText)
    {
        TransformerShape shape = model.Shape;
        bool gated = shape.Activation == Activation.SwiGlu;
        return new JsonObject
        {
            ["architectures"] = new JsonArray(gated ? "LlamaForCausalLM" : "ArceeForCausalLM"),
            ["model_type"] = gated ? "llama" : "arcee",
            ["vocab_size"] = shape.Vocabulary,
            ["hidden_size"] = shape.Width,
            ["intermediate_size"] = shape.FeedForward,
            ["num_hidden_layers"] = shape.Blocks,
            ["num_attention_heads"] = shape.Heads,
            ["num_key_value_heads"] = shape.KeyValueHeads,
            ["head_dim"] = shape.HeadWidth,
            ["hidden_act"] = gated ? "silu" : "gelu_pytorch_tanh",
            ["max_position_embeddings"] = model.SequenceLength,
            ["rms_norm_eps"] = shape.NormEpsilon,
            ["rope_theta"] = shape.RopeBase,
            ["tie_word_embeddings"] = shape.TiedEmbedding,
            ["attention_bias"] = false,
            ["mlp_bias"] = false,
            ["attention_dropout"] = 0.0,
            ["bos_token_id"] = endOfText,
            ["eos_token_id"] = endOfText,
            ["torch_dtype"] = type switch { ExportType.F16 => "float16", ExportType.Bf16 => "bfloat16", _ => "float32" },
            ["use_cache"] = true,
        };
    }

    private static string? NameOf(ReadOnlyMemory<byte> tokenizer, int token)
    {
        using JsonDocument document = JsonDocument.Parse(tokenizer.Span.StartsWith("\uFEFF"u8) ? tokenizer[3..] : tokenizer);
        return document.RootElement.GetProperty("added_tokens").EnumerateArray()
            .Where(added => added.GetProperty("id").GetInt32() == token).Select(added => added.GetProperty("content").GetString()).FirstOrDefault();
    }

    private static void Write(string folder, string name, JsonObject json) =>
        DurableFile.WriteAllBytes(Path.Combine(folder, name), System.Text.Encoding.UTF8.GetBytes(json.ToJsonString(Json) + "\n"));
}
