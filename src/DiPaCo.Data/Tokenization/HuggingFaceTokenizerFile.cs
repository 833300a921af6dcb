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

    // White space, every kind of letter and length in UTF-8, words that most vocabularies hold whole, and what looks like a special token.
    private const string Probe =
        "  Two  spaces,\ttab\nline \u00e9e\u0301 \ufb01 \U0001F600\u0001 \r the and of to in is that for it was on as with be at by this have from or had\n\n"
        + "public static void return int if else for while { } ( ) [ ] ; 0123456789 <|endoftext|> <s> </s> <unk> [PAD] ";

    public static TextTokenizer Read(ReadOnlyMemory<byte> file, string name)
    {
        try
        {
            ReadOnlyMemory<byte> json = file.Span.StartsWith("\uFEFF"u8) ? file[3..] : file;
            using JsonDocument document = JsonDocument.Parse(json);
            var tokenizer = new ByteLevelBpe(Read(document.RootElement, name), file);
            if (tokenizer.Decode(tokenizer.Encode(Probe)) != Probe)
            {
                throw new DiPaCoException($"{name} does not give a text back that it has encoded: its merges and its vocabulary contradict each other. Fetch it again, or use another byte-level tokenizer.");
            }

            return tokenizer;
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
        List<AddedToken> added = ReadAdded(root);
        AddedToken? end = FindEnd(added);

        // Special tokens stand for no text, so that none may arise from one. What else is added is text like any other.
        HashSet<int> special = [.. added.Where(token => token.Special || token == end).Select(token => token.Id)];
        int size = vocabulary.Values.Concat(added.Select(token => token.Id)).Max() + 1;
        var tokens = new byte[]?[size];
        int[] byteTokens = [.. Enumerable.Repeat(-1, 256)];
        foreach (AddedToken token in added.Where(token => !special.Contains(token.Id)))
        {
            tokens[token.Id] = Encoding.UTF8.GetBytes(token.Content);
        }

        foreach ((string token, int id) in vocabulary.Where(entry => !special.Contains(entry.Value)))
        {
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
            Merges = ReadMerges(model.GetProperty("merges"), vocabulary, tokens, name),
            Splitter = splitter,
            EndOfText = end?.Id ?? throw new DiPaCoException(
                $"{name} has no special token {string.Join(" or ", CustomaryEnds)} to begin and end documents with. Its special tokens: {string.Join(" ", added.Take(20).Select(token => token.Content))}."),
            // Also what is added without being special: a template that writes it means the token.
            SpecialTokens = [.. added.Where(token => token.Content.Length > 0).Select(token => new SpecialToken(token.Content, token.Id, token.LeftStrip, token.RightStrip))],
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

    private static List<AddedToken> ReadAdded(JsonElement root)
    {
        var tokens = new List<AddedToken>();
        if (root.TryGetProperty("added_tokens", out JsonElement added) && added.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement token in added.EnumerateArray())
            {
                int id = token.GetProperty("id").GetInt32();
                if (id is < 0 or >= MaximumVocabulary)
                {
                    throw new FormatException($"an added token has the id {id}.");
                }

                bool Is(string flag) => token.TryGetProperty(flag, out JsonElement value) && value.ValueKind == JsonValueKind.True;
                tokens.Add(new AddedToken(token.GetProperty("content").GetString() ?? "", id, Is("special"), Is("lstrip"), Is("rstrip")));
            }
        }

        return tokens;
    }

    private static Dictionary<long, (int Rank, int Token)> ReadMerges(JsonElement element, Dictionary<string, int> vocabulary, byte[]?[] tokens, string name)
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

            // A special token has no bytes: made of text, it would lose it.
            if (tokens[left] is { } head && tokens[right] is { } tail && tokens[token] is { } whole)
            {
                if (!whole.AsSpan().SequenceEqual([.. head, .. tail]))
                {
                    throw new DiPaCoException($"{name} has a merge, number {rank}, that changes text: '{string.Join(' ', parts)}'. Fetch it again, or use another byte-level tokenizer.");
                }

                merges.TryAdd(BpeModel.Pair(left, right), (rank, token));
            }

            rank++;
        }

        return merges;
    }

    private static AddedToken? FindEnd(List<AddedToken> added) =>
        CustomaryEnds.Select(customary => added.Find(token => token.Content == customary)).FirstOrDefault(end => end is not null);

    /// <summary>A token beside the vocabulary proper.</summary>
    /// <param name="Content">Its text.</param>
    /// <param name="Id">Its id.</param>
    /// <param name="Special">Whether it stands for no text.</param>
    /// <param name="LeftStrip">Whether it takes in white space before it.</param>
    /// <param name="RightStrip">Whether it takes in white space behind it.</param>
    private sealed record AddedToken(string Content, int Id, bool Special, bool LeftStrip, bool RightStrip);
}
