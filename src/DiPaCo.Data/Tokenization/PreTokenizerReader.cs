using System.Text.Json;
using System.Text.RegularExpressions;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>Reads the parts of a <c>tokenizer.json</c> that cut and change text before byte pairs are merged.</summary>
internal static class PreTokenizerReader
{
    // A pattern from a file may be slow on some text; better an error than a run that hangs.
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(30);

    /// <summary>The splitter; null where there is no ByteLevel step.</summary>
    public static PieceSplitter? Read(JsonElement root, string name)
    {
        if (!root.TryGetProperty("pre_tokenizer", out JsonElement given) || given.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        IEnumerable<JsonElement> steps = given.GetProperty("type").GetString() == "Sequence" ? given.GetProperty("pretokenizers").EnumerateArray() : [given];
        var patterns = new List<string>();
        bool byteLevel = false;
        foreach (JsonElement step in steps)
        {
            string? type = step.GetProperty("type").GetString();
            if (type == "ByteLevel")
            {
                byteLevel = true;
                AddByteLevel(step, patterns, name);
            }
            else if (type == "Split" && step.GetProperty("behavior").GetString() == "Isolated" && step.GetProperty("pattern").TryGetProperty("Regex", out JsonElement regex))
            {
                patterns.Add(regex.GetString() ?? "");
            }
            else if (type == "Digits" && step.GetProperty("individual_digits").ValueKind == JsonValueKind.True)
            {
                patterns.Add(@"\p{N}");
            }
            else
            {
                throw new DiPaCoException($"{name} cuts text by a step of type {type} that is not known (known: ByteLevel, Split by a regular expression with behavior Isolated, Digits one by one).");
            }
        }

        return !byteLevel ? null
            : patterns is [Gpt2Splitter.Pattern] ? new Gpt2Splitter()
            : new RegexSplitter([.. patterns.Select(pattern => Compile(pattern, name))], name);
    }

    /// <summary>Text that a normalizer changed cannot be given back. NFC alone is left out instead: then nothing is lost.</summary>
    public static void RefuseNormalizer(JsonElement root, string name)
    {
        if (root.TryGetProperty("normalizer", out JsonElement normalizer) && normalizer.ValueKind == JsonValueKind.Object
            && normalizer.GetProperty("type").GetString() is var type && type != "NFC")
        {
            throw new DiPaCoException($"{name} changes text before it encodes it (normalizer {type}), so the text could not be given back exactly. Use a tokenizer without a normalizer.");
        }
    }

    /// <summary>A pattern in .NET's words: possessive quantifiers, which it does not have, are greedy ones there.</summary>
    public static Regex Compile(string pattern, string name)
    {
        try
        {
            string translated = Regex.Replace(pattern, @"(?<=[^\\][?*+}])\+", "");
            return new Regex(translated, RegexOptions.Compiled | RegexOptions.CultureInvariant, MatchTimeout);
        }
        catch (ArgumentException failure)
        {
            throw new DiPaCoException($"{name} cuts text by a regular expression that .NET does not read: {failure.Message}", failure);
        }
    }

    private static void AddByteLevel(JsonElement step, List<string> patterns, string name)
    {
        if (step.TryGetProperty("add_prefix_space", out JsonElement prefix) && prefix.ValueKind == JsonValueKind.True)
        {
            throw new DiPaCoException($"{name} adds a space before every text (add_prefix_space), so the text could not be given back exactly. Use a tokenizer without it.");
        }

        if (!step.TryGetProperty("use_regex", out JsonElement use) || use.ValueKind != JsonValueKind.False)
        {
            patterns.Add(Gpt2Splitter.Pattern);
        }
    }
}
