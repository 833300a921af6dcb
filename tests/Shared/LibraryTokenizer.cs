using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace DiPaCo.Tests;

/// <summary>A <c>tokenizer.json</c> as somebody else's code reads it: Microsoft.ML.Tokenizers, with the ByteLevel step's pattern.</summary>
internal static class LibraryTokenizer
{
    private const string Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Reads vocabulary and merges of a file.</summary>
    public static BpeTokenizer Read(ReadOnlyMemory<byte> json)
    {
        using JsonDocument file = JsonDocument.Parse(json);
        JsonElement model = file.RootElement.GetProperty("model");
        return BpeTokenizer.Create(new BpeOptions(model.GetProperty("vocab").EnumerateObject().Select(entry => KeyValuePair.Create(entry.Name, entry.Value.GetInt32())))
        {
            Merges = model.GetProperty("merges").EnumerateArray().Select(merge => merge.GetString()!),
            PreTokenizer = new RegexPreTokenizer(new Regex(Pattern), null),
            ByteLevel = true,
        });
    }
}
