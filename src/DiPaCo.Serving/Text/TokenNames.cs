using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using DiPaCo.Data;

namespace DiPaCo.Serving.Text;

/// <summary>
/// What answers call tokens, as OpenAI's API does: by their text within a text, or <c>bytes:\xe2\x80</c> where their bytes are a part of a character.
/// </summary>
/// <param name="tokenizer">The tokenizer.</param>
internal sealed class TokenNames(TextTokenizer tokenizer)
{
    private readonly FrozenDictionary<int, string> _special = tokenizer.SpecialTokens.DistinctBy(token => token.Id).ToFrozenDictionary(token => token.Id, token => token.Content);

    /// <summary>The name of a token: of a special one what its tokenizer calls it, of one that has no text at all its number.</summary>
    public string Of(int token)
    {
        ReadOnlySpan<byte> bytes = BytesOf(token);
        return bytes.IsEmpty ? _special.GetValueOrDefault(token) ?? string.Create(CultureInfo.InvariantCulture, $"token_id:{token}")
            : Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes)
            : ByBytes(token);
    }

    /// <summary>The name of a token by its bytes, where another has the same text.</summary>
    public string ByBytes(int token)
    {
        StringBuilder name = new("bytes:");
        foreach (byte one in BytesOf(token))
        {
            name.Append(CultureInfo.InvariantCulture, $"\\x{one:x2}");
        }

        return name.ToString();
    }

    /// <summary>The bytes of a token within a text; none where the model has a row for it and the tokenizer no text.</summary>
    public ReadOnlySpan<byte> BytesOf(int token) => token < tokenizer.VocabularySize ? tokenizer.BytesOf(token) : [];
}
