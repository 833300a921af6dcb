using System.Text;
using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>Reads byte-level BPE from Hugging Face's <c>tokenizer.json</c>; refuses what could not give text back exactly.</summary>
internal static class HuggingFaceTokenizerFile
{
    private const int MaximumVocabulary = 1 << 21;

    private static readonly string[] CustomaryEnds =
        ["<|endoftext|>", "<|end_of_text|>", "<|begin_of_text|>", "<eos>", "</s>", "<|im_end|>", "<｜end▁of▁sentence｜>"];

    public static TextTokenizer Read(ReadOnlyMemory<byte> file, string name)
    {
        try
        {
            ReadOnlyMemory<byte> json = file.Span.StartsWith("\uFEFF"u8) ? file[3..] : file;
            using JsonDocument document = JsonDocument.Parse(json);
            return new ByteLevelBpe(Read(document.RootElement, name), file);
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new DiPaCoException($"{name} is not a Hugging Face tokenizer.json: {failure.Message}", failure);
        }
    }

    private static BpeModel Read(JsonElement root, string name)
    {
        JsonElement model = root.GetProperty("model");
        string type = model.TryGetProperty("type", out JsonElement kind) ? kind.GetString() ?? "" : "BPE";
        PieceSplitter? splitter = PreTokenizerReader.Read(root, name);
        if (type != "BPE" || splitter is null)
        {
            throw new DiPaCoException(
                $"{name} is a {type} tokenizer{(splitter is null ? " without the ByteLevel step" : "")}; only byte-level BPE gives every text back exactly. " +
                "Use a byte-level tokenizer (GPT-2, Llama 3, Qwen and others), or the SentencePiece .model file that this one was made from.");
        }

        PreTokenizerReader.RefuseNormalizer(root, name);
        Dictionary<string, int> vocabulary = ReadVocabulary(model.GetProperty("vocab"), name);
        Dictionary<string, int> special = ReadAdded(root);
        int size = vocabulary.Values.Concat(special.Values).Max() + 1;
        var tokens = new byte[]?[size];
        int[] byteTokens = [.. Enumerable.Repeat(-1, 256)];
        foreach ((string token, int id) in vocabulary)
        {
            if (special.ContainsKey(token))
            {
                continue;
            }

            // A token outside the alphabet of bytes can never arise from bytes; it stands for its own text.
            byte[] bytes = ByteAlphabet.Read(token) ?? Encoding.UTF8.GetBytes(token);
            tokens[id] = bytes;
            if (bytes.Length == 1)
            {
                byteTokens[bytes[0]] = id;
            }
        }

        if (Array.IndexOf(byteTokens, -1) is >= 0 and int missing)
        {
            throw new DiPaCoException($"{name} has no token for the byte 0x{missing:X2}, so not every text could be given back exactly. Use a tokenizer with all 256 bytes.");
        }

        return new BpeModel
        {
            Tokens = tokens,
            ByteTokens = byteTokens,
            Merges = ReadMerges(model.GetProperty("merges"), vocabulary, name),
            Splitter = splitter,
            EndOfText = FindEnd(special, name),
            WholePiecesFirst = model.TryGetProperty("ignore_merges", out JsonElement ignore) && ignore.ValueKind == JsonValueKind.True,
        };
    }

    private static Dictionary<string, int> ReadVocabulary(JsonElement element, string name)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var ids = new HashSet<int>();
        foreach (JsonProperty entry in element.EnumerateObject())
        {
            int id = entry.Value.GetInt32();
            if (id is < 0 or >= MaximumVocabulary || !ids.Add(id))
            {
                throw new DiPaCoException($"{name} gives the token '{entry.Name}' the id {id}: ids must differ and lie in 0 … {MaximumVocabulary - 1}.");
            }

            vocabulary[entry.Name] = id;
        }

        return vocabulary.Count > 0 ? vocabulary : throw new DiPaCoException($"{name} has an empty vocabulary.");
    }

    private static Dictionary<string, int> ReadAdded(JsonElement root)
    {
        var special = new Dictionary<string, int>(StringComparer.Ordinal);
        if (root.TryGetProperty("added_tokens", out JsonElement added) && added.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement token in added.EnumerateArray())
            {
                int id = token.GetProperty("id").GetInt32();
                if (id is < 0 or >= MaximumVocabulary)
                {
                    throw new FormatException($"an added token has the id {id}.");
                }

                special[token.GetProperty("content").GetString() ?? ""] = id;
            }
        }

        return special;
    }

    private static Dictionary<long, (int Rank, int Token)> ReadMerges(JsonElement element, Dictionary<string, int> vocabulary, string name)
    {
        var merges = new Dictionary<long, (int, int)>(element.GetArrayLength());
        int rank = 0;
        foreach (JsonElement merge in element.EnumerateArray())
        {
            // Written as "a b", or as ["a", "b"] by newer versions.
            string[] parts = merge.ValueKind == JsonValueKind.Array
                ? [.. merge.EnumerateArray().Select(part => part.GetString() ?? "")]
                : (merge.GetString() ?? "").Split(' ');
            if (parts.Length != 2
                || !vocabulary.TryGetValue(parts[0], out int left)
                || !vocabulary.TryGetValue(parts[1], out int right)
                || !vocabulary.TryGetValue(parts[0] + parts[1], out int token))
            {
                throw new DiPaCoException($"{name} has a merge, number {rank}, of tokens that are not in its vocabulary: '{string.Join(' ', parts)}'.");
            }

            merges.TryAdd(BpeModel.Pair(left, right), (rank++, token));
        }

        return merges;
    }

    private static int FindEnd(Dictionary<string, int> special, string name)
    {
        string? found = Array.Find(CustomaryEnds, special.ContainsKey);
        return found is not null ? special[found] : throw new DiPaCoException(
            $"{name} has no special token {string.Join(" or ", CustomaryEnds)} to begin and end documents with. Its special tokens: {string.Join(" ", special.Keys.Take(20))}.");
    }
}
