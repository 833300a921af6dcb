using DiPaCo.Data;
using DiPaCo.Serving.Chat.Templates;

namespace DiPaCo.Serving.Chat;

/// <summary>
/// Text to tokens, special ones included where the template itself wrote their texts. Where a client did, were it but one letter of them, they are
/// letters like any other.
/// </summary>
internal sealed class MarkedTextEncoder
{
    private readonly TextTokenizer _tokenizer;
    private readonly Dictionary<char, SpecialToken[]> _special;

    /// <summary>An encoder.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="vocabulary">Tokens that the model has; special ones beyond them are letters.</param>
    public MarkedTextEncoder(TextTokenizer tokenizer, int vocabulary)
    {
        _tokenizer = tokenizer;
        _special = tokenizer.SpecialTokens.Where(token => token.Id < vocabulary && token.Content.Length > 0)
            .GroupBy(token => token.Content[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Content.Length).ToArray());
    }

    /// <summary>The tokens of a text.</summary>
    public List<int> Encode(MarkedText text)
    {
        List<int> tokens = [];
        int from = 0;
        int at = 0;
        while (at < text.Length)
        {
            if (TokenAt(text, at) is not { } token)
            {
                at++;
                continue;
            }

            int end = at;
            while (token.TakesSpaceBefore && end > from && char.IsWhiteSpace(text.Value[end - 1]))
            {
                end--;
            }

            Add(text, from, end, tokens);
            tokens.Add(token.Id);
            at += token.Content.Length;
            while (token.TakesSpaceBehind && at < text.Length && char.IsWhiteSpace(text.Value[at]))
            {
                at++;
            }

            from = at;
        }

        Add(text, from, text.Length, tokens);
        return tokens;
    }

    private void Add(MarkedText text, int from, int end, List<int> tokens)
    {
        if (end > from)
        {
            _tokenizer.Encode(text.Value.AsSpan(from, end - from), tokens);
        }
    }

    /// <summary>The longest special token that begins at a place.</summary>
    private SpecialToken? TokenAt(MarkedText text, int at)
    {
        if (text.Foreign[at] || !_special.TryGetValue(text.Value[at], out SpecialToken[]? candidates))
        {
            return null;
        }

        foreach (SpecialToken token in candidates)
        {
            int length = token.Content.Length;
            if (text.Value.AsSpan(at).StartsWith(token.Content, StringComparison.Ordinal) && !text.Foreign.Slice(at, length).Contains(true))
            {
                return token;
            }
        }

        return null;
    }
}
