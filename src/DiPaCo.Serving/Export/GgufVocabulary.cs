using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Serving.Export;

/// <summary>A byte-level BPE tokenizer as GGUF files carry it.</summary>
/// <param name="Splitter">llama.cpp's name of the rule by which text is cut before pairs are merged.</param>
/// <param name="Tokens">The tokens in the letters of the byte alphabet, by their numbers.</param>
/// <param name="Kinds">What each is: 1 text, 3 special, 4 added by somebody, 5 unused.</param>
/// <param name="Merges">Pairs with a space between, the first to be merged first.</param>
internal sealed record GgufVocabulary(string Splitter, ImmutableArray<string> Tokens, ImmutableArray<int> Kinds, ImmutableArray<string> Merges)
{
    private const int Ordinary = 1;
    private const int Special = 3;
    private const int Added = 4;
    private const int Unused = 5;

    // The expressions as they stand in tokenizer.json files, and llama.cpp's names for them.
    private static readonly ImmutableArray<(string Pattern, string Name)> KnownSplitters =
    [
        (@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", "llama-bpe"),
        (@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", "qwen2"),
    ];

    /// <summary>Reads a tokenizer.json.</summary>
    /// <param name="file">The file.</param>
    /// <param name="size">Entries that the model has.</param>
    /// <exception cref="DiPaCoException">The tokenizer is of a kind that this export does not know.</exception>
    public static GgufVocabulary Read(ReadOnlyMemory<byte> file, int size)
    {
        if (TokenizerFile.KindOf(file.Span) != TokenizerKind.HuggingFace)
        {
            throw new DiPaCoException("The model's tokenizer is a tiktoken or SentencePiece file; a GGUF file is only made with a tokenizer.json. Export with '--format hf' and convert that.");
        }

        using JsonDocument document = JsonDocument.Parse(file.Span.StartsWith("\uFEFF"u8) ? file[3..] : file);
        JsonElement root = document.RootElement;
        JsonElement model = root.GetProperty("model");
        string[] tokens = [.. Enumerable.Range(0, size).Select(id => FormattableString.Invariant($"[UNUSED{id}]"))];
        int[] kinds = [.. Enumerable.Repeat(Unused, size)];
        foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
        {
            Set(token.Value.GetInt32(), token.Name, Ordinary);
        }

        if (root.TryGetProperty("added_tokens", out JsonElement added) && added.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement token in added.EnumerateArray())
            {
                bool special = token.TryGetProperty("special", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
                Set(token.GetProperty("id").GetInt32(), token.GetProperty("content").GetString() ?? "", special ? Special : Added);
            }
        }

        return new GgufVocabulary(
            SplitterOf(root), [.. tokens], [.. kinds],
            [.. model.GetProperty("merges").EnumerateArray().Select(
                merge => merge.ValueKind == JsonValueKind.Array ? string.Join(' ', merge.EnumerateArray().Select(part => part.GetString())) : merge.GetString() ?? "")]);

        void Set(int id, string text, int kind)
        {
            if (id < size)
            {
                (tokens[id], kinds[id]) = (text, kind);
            }
        }
    }

    private static string SplitterOf(JsonElement root)
    {
        JsonElement given = root.GetProperty("pre_tokenizer");
        JsonElement[] steps = given.GetProperty("type").GetString() == "Sequence" ? [.. given.GetProperty("pretokenizers").EnumerateArray()] : [given];
        string[] patterns = [.. steps.Where(step => step.GetProperty("type").GetString() == "Split").Select(step => step.GetProperty("pattern").GetProperty("Regex").GetString() ?? "")];
        bool gpt2 = steps.Any(step => step.GetProperty("type").GetString() == "ByteLevel" && (!step.TryGetProperty("use_regex", out JsonElement use) || use.ValueKind == JsonValueKind.True));
        string? name = gpt2 ? steps.Length == 1 ? "gpt-2" : null
            : patterns is [string pattern] ? KnownSplitters.FirstOrDefault(known => known.Pattern == pattern).Name
            : null;
        return name ?? throw new DiPaCoException(
            "llama.cpp knows the rules by which text is cut into words by name, and the one of this tokenizer.json is none of those that this export knows "
            + "(GPT-2, Llama 3, Qwen 2). Export with '--format hf' and convert that.");
    }
}
