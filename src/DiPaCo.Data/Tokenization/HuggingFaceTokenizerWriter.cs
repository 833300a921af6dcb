using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DiPaCo.Data;

/// <summary>Writes a trained tokenizer as Hugging Face's <c>tokenizer.json</c>: the ByteLevel step with GPT-2's pattern, and BPE.</summary>
internal static class HuggingFaceTokenizerWriter
{
    public const string EndOfText = "<|endoftext|>";

    /// <summary>The file; the same tokens and merges always give the same bytes.</summary>
    /// <param name="tokens">The bytes of each token; null for the special token, which is the first.</param>
    /// <param name="merges">The pairs of tokens, in the order of their ranks.</param>
    public static byte[] Write(IReadOnlyList<byte[]?> tokens, IReadOnlyList<(int Left, int Right)> merges)
    {
        string[] names = [.. tokens.Select(bytes => bytes is null ? EndOfText : ByteAlphabet.Write(bytes))];
        var buffer = new ArrayBufferWriter<byte>(1 << 18);
        var options = new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(buffer, options))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            WriteAddedTokens(json);
            json.WriteNull("normalizer");
            WriteByteLevel(json, "pre_tokenizer");
            json.WriteNull("post_processor");
            WriteByteLevel(json, "decoder");
            WriteModel(json, names, merges);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteAddedTokens(Utf8JsonWriter json)
    {
        json.WriteStartArray("added_tokens");
        json.WriteStartObject();
        json.WriteNumber("id", 0);
        json.WriteString("content", EndOfText);
        json.WriteBoolean("single_word", false);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("special", true);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteByteLevel(Utf8JsonWriter json, string property)
    {
        json.WriteStartObject(property);
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", true);
        json.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter json, string[] names, IReadOnlyList<(int Left, int Right)> merges)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", false);
        json.WriteStartObject("vocab");
        for (int id = 0; id < names.Length; id++)
        {
            json.WriteNumber(names[id], id);
        }

        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach ((int left, int right) in merges)
        {
            json.WriteStringValue($"{names[left]} {names[right]}");
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
