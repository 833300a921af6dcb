using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model.Checkpoints;
using DiPaCo.Serving.Grids;

namespace DiPaCo.Serving.Export;

/// <summary>One path as a GGUF file of llama.cpp's <c>llama</c> architecture.</summary>
internal static class GgufFile
{
    /// <summary>Writes the file.</summary>
    /// <param name="grid">The model.</param>
    /// <param name="path">Which path.</param>
    /// <param name="type">How matrices are stored; one whose rows are not whole blocks is stored as f16 instead of q8_0.</param>
    /// <param name="destination">Where the file goes.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <exception cref="DiPaCoException">llama.cpp has no architecture for the path, or none of the tokenizer's kind.</exception>
    public static async Task WriteAsync(ServedGrid grid, PathId path, ExportType type, Stream destination, CancellationToken cancellationToken)
    {
        TransformerShape shape = grid.Description.Shape;
        if (shape.Activation != Activation.SwiGlu)
        {
            throw new DiPaCoException("llama.cpp's Llama architecture has a SwiGLU feed-forward, this model has GELU without a gate (transformer.activation). Export with '--format hf' or '--format dipaco'.");
        }

        byte[] file = await grid.ReadTokenizerFileAsync(cancellationToken);
        TextTokenizer tokenizer = TokenizerFile.Load(file, "the model's tokenizer");
        using GgufWriter writer = new();
        Describe(writer, grid, path, type);
        Describe(writer, GgufVocabulary.Read(file, shape.Vocabulary), tokenizer.EndOfText);
        if (await grid.LoadChatFormatAsync(cancellationToken) is { } chat)
        {
            Describe(writer, chat, tokenizer);
        }

        ImmutableArray<LlamaTensor> tensors = LlamaTensor.Of(shape);
        ImmutableArray<ExportType> types = [.. tensors.Select(tensor => TypeOf(tensor, type))];
        for (int at = 0; at < tensors.Length; at++)
        {
            writer.Announce(tensors[at].GgufName, tensors[at].Shape, types[at], ElementCodec.BytesOf(types[at], tensors[at].Length));
        }

        using PathWeights weights = await PathWeights.OpenAsync(grid, path, cancellationToken);
        writer.Write(
            destination,
            at => ElementCodec.Encode(types[at], Reordered(tensors[at], weights.Read(tensors[at])), tensors[at].Name),
            cancellationToken);
    }

    private static void Describe(GgufWriter writer, ChatFormat chat, TextTokenizer tokenizer)
    {
        writer.Add("tokenizer.chat_template", chat.Template);
        if (tokenizer.SpecialTokens.FirstOrDefault(token => token.Content == chat.End) is { } end)
        {
            writer.Add("tokenizer.ggml.eot_token_id", (uint)end.Id);
        }
    }

    private static ExportType TypeOf(LlamaTensor tensor, ExportType type) =>
        tensor.Columns == 0 ? ExportType.F32
        : type == ExportType.Q80 && tensor.Columns % ElementCodec.BlockElements != 0 ? ExportType.F16
        : type;

    /// <summary>
    /// Rotary positions turn pairs of rows: here the i-th of a head's lower half with the i-th of its upper half, in llama.cpp's Llama the
    /// 2i-th with the next one.
    /// </summary>
    private static float[] Reordered(LlamaTensor tensor, float[] values)
    {
        if (tensor.RotaryHeads == 0)
        {
            return values;
        }

        float[] reordered = new float[values.Length];
        int width = tensor.Rows / tensor.RotaryHeads;
        for (int row = 0; row < tensor.Rows; row++)
        {
            (int head, int within) = Math.DivRem(row, width);
            (int half, int pair) = Math.DivRem(within, width / 2);
            int target = (head * width) + (2 * pair) + half;
            values.AsSpan(row * tensor.Columns, tensor.Columns).CopyTo(reordered.AsSpan(target * tensor.Columns));
        }

        return reordered;
    }

    private static void Describe(GgufWriter writer, ServedGrid grid, PathId path, ExportType type)
    {
        GridDescription model = grid.Description;
        TransformerShape shape = model.Shape;
        writer.Add("general.architecture", "llama");
        writer.Add("general.type", "model");
        writer.Add("general.name", FormattableString.Invariant($"{model.Name} path {path.Value}"));
        writer.Add("general.description", FormattableString.Invariant($"Path {path.Value} of the DiPaCo model '{model.Name}', model digest {model.ModelDigest}"));
        writer.Add("general.file_type", type switch { ExportType.F32 => 0u, ExportType.F16 => 1u, ExportType.Q80 => 7u, _ => 32u });
        writer.Add("general.quantization_version", 2u);
        writer.Add("llama.context_length", (uint)model.SequenceLength);
        writer.Add("llama.embedding_length", (uint)shape.Width);
        writer.Add("llama.block_count", (uint)shape.Blocks);
        writer.Add("llama.feed_forward_length", (uint)shape.FeedForward);
        writer.Add("llama.attention.head_count", (uint)shape.Heads);
        writer.Add("llama.attention.head_count_kv", (uint)shape.KeyValueHeads);
        writer.Add("llama.attention.key_length", (uint)shape.HeadWidth);
        writer.Add("llama.attention.value_length", (uint)shape.HeadWidth);
        writer.Add("llama.attention.layer_norm_rms_epsilon", (float)shape.NormEpsilon);
        writer.Add("llama.rope.dimension_count", (uint)shape.HeadWidth);
        writer.Add("llama.rope.freq_base", (float)shape.RopeBase);
        writer.Add("llama.vocab_size", (uint)shape.Vocabulary);
    }

    private static void Describe(GgufWriter writer, GgufVocabulary vocabulary, int endOfText)
    {
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", vocabulary.Splitter);
        writer.Add("tokenizer.ggml.tokens", vocabulary.Tokens);
        writer.Add("tokenizer.ggml.token_type", vocabulary.Kinds);
        writer.Add("tokenizer.ggml.merges", vocabulary.Merges);
        writer.Add("tokenizer.ggml.bos_token_id", (uint)endOfText);
        writer.Add("tokenizer.ggml.eos_token_id", (uint)endOfText);
        writer.Add("tokenizer.ggml.add_bos_token", true);
        writer.Add("tokenizer.ggml.add_space_prefix", false);
    }
}
