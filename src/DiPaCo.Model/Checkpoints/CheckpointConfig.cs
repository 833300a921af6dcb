using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.Model.Checkpoints;

/// <summary><c>config.json</c> of a checkpoint folder, as far as it says what transformer it holds.</summary>
internal static class CheckpointConfig
{
    private const long MaxBytes = 1 << 20;

    /// <summary>Reads the transformer.</summary>
    /// <exception cref="DiPaCoException">The file is missing or damaged, or the architecture is one that paths do not have.</exception>
    public static TransformerShape Read(string file)
    {
        try
        {
            FileInfo info = new(file);
            if (info.Length > MaxBytes)
            {
                throw new DiPaCoException($"'{file}' has {info.Length} bytes, expected at most {MaxBytes}.");
            }

            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
            return Read(file, document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw new DiPaCoException($"'{file}' cannot be read as the configuration of a checkpoint: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    private static TransformerShape Read(string file, JsonElement root)
    {
        string type = Text("model_type") ?? "";
        string activation = Text("hidden_act") ?? "silu";
        bool llama = type is "llama" or "mistral" && activation == "silu";
        if (!llama && !(type == "arcee" && activation == "gelu_pytorch_tanh"))
        {
            throw new DiPaCoException(
                $"'{file}' is a model of type '{type}' with the activation '{activation}'; expected 'llama' with 'silu', or 'arcee' with 'gelu_pytorch_tanh', which is what paths are.");
        }

        foreach (string key in (ReadOnlySpan<string>)["attention_bias", "mlp_bias"])
        {
            if (root.TryGetProperty(key, out JsonElement bias) && bias.ValueKind == JsonValueKind.True)
            {
                throw new DiPaCoException($"'{file}' has {key}; paths have no biases.");
            }
        }

        if (root.TryGetProperty("rope_scaling", out JsonElement scaling) && scaling.ValueKind == JsonValueKind.Object && !IsDefault(scaling))
        {
            throw new DiPaCoException($"'{file}' has rope_scaling; paths have plain rotary positions.");
        }

        // Where the window is as long as the longest text, it leaves nothing out.
        if (Has("sliding_window") && Number("sliding_window") is var window && !(Has("max_position_embeddings") && window >= Number("max_position_embeddings")))
        {
            throw new DiPaCoException(
                $"'{file}' has sliding_window {window}: its tokens see no further back, and a path's see the whole text. Where transformer.sequence_length is at most {window}, set it to null.");
        }

        ThrowIfScaled(file, root);
        int heads = Number("num_attention_heads");
        int width = Number("hidden_size");
        return new TransformerShape
        {
            Vocabulary = Number("vocab_size"),
            Blocks = Number("num_hidden_layers"),
            Width = width,
            Heads = heads,
            KeyValueHeads = Has("num_key_value_heads") ? Number("num_key_value_heads") : heads,
            HeadWidth = Has("head_dim") ? Number("head_dim") : width / heads,
            FeedForward = Number("intermediate_size"),
            Activation = llama ? Activation.SwiGlu : Activation.Gelu,
            TiedEmbedding = root.TryGetProperty("tie_word_embeddings", out JsonElement tied) && tied.ValueKind == JsonValueKind.True,
            RopeBase = Theta(),
            NormEpsilon = root.TryGetProperty("rms_norm_eps", out JsonElement epsilon) ? epsilon.GetDouble() : 1e-6,
        };

        bool Has(string key) => root.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

        string? Text(string key) => root.TryGetProperty(key, out JsonElement value) ? value.GetString() : null;

        double Theta() =>
            root.TryGetProperty("rope_theta", out JsonElement theta) ? theta.GetDouble()
            : root.TryGetProperty("rope_parameters", out JsonElement rope) && rope.ValueKind == JsonValueKind.Object && rope.TryGetProperty("rope_theta", out theta) ? theta.GetDouble()
            : 10_000;

        int Number(string key)
        {
            int value = root.TryGetProperty(key, out JsonElement given) ? given.GetInt32() : 0;
            return value > 0 ? value : throw new DiPaCoException($"'{file}' has {key} {(Has(key) ? given.ToString() : "not at all")}; expected a positive number.");
        }
    }

    /// <summary>Some files write down that nothing is scaled.</summary>
    private static bool IsDefault(JsonElement scaling) =>
        (scaling.TryGetProperty("rope_type", out JsonElement type) || scaling.TryGetProperty("type", out type)) && type.ValueKind == JsonValueKind.String && type.ValueEquals("default");

    /// <summary>Newer files say how positions are scaled beside their base; some for each kind of layer.</summary>
    private static void ThrowIfScaled(string file, JsonElement root)
    {
        if (!root.TryGetProperty("rope_parameters", out JsonElement rotary) || rotary.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (JsonProperty parameter in rotary.EnumerateObject())
        {
            // What is 'rope_type' now was called 'type'.
            if (parameter.Value.ValueKind == JsonValueKind.Object || (parameter.Name is "rope_type" or "type" && parameter.Value.ValueKind != JsonValueKind.Null && !IsDefault(rotary)))
            {
                throw new DiPaCoException($"'{file}' has rope_parameters with {parameter.Name} {parameter.Value}; paths have plain rotary positions, rope_type 'default'.");
            }
        }
    }
}
