namespace DiPaCo.Serving.Chat.Templates;

/// <summary>A piece of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text; of strings, what they stand for.</param>
/// <param name="Line">Its line, from 1.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Line)
{
    /// <summary>Whether it is that sign.</summary>
    public bool IsSign(string sign) => Kind == TokenKind.Sign && Text == sign;

    /// <summary>Whether it is that word.</summary>
    public bool IsWord(string word) => Kind == TokenKind.Name && Text == word;

    /// <summary>What to call it in messages.</summary>
    public string Description => Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.StatementEnd => "'%}'",
        TokenKind.OutputEnd => "'}}'",
        TokenKind.Text => "a string",
        TokenKind.Data => "text",
        _ => $"'{(Text.Length > 40 ? Text[..40] : Text)}'",
    };
}
