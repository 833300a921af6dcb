using System.Runtime.CompilerServices;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>The pieces of a template, one after the other.</summary>
/// <param name="tokens">The pieces; the last is the end.</param>
internal sealed class TokenReader(List<Token> tokens)
{
    private int _at;
    private int _depth;

    /// <summary>The piece at hand.</summary>
    public Token Current => tokens[_at];

    /// <summary>The piece behind it.</summary>
    public Token Next => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    /// <summary>Takes the piece at hand.</summary>
    public Token Take()
    {
        Token token = tokens[_at];
        _at = Math.Min(_at + 1, tokens.Count - 1);
        return token;
    }

    /// <summary>Takes a sign if it is there.</summary>
    public bool TrySign(string sign)
    {
        bool found = Current.IsSign(sign);
        if (found)
        {
            Take();
        }

        return found;
    }

    /// <summary>Takes a word if it is there.</summary>
    public bool TryWord(string word)
    {
        bool found = Current.IsWord(word);
        if (found)
        {
            Take();
        }

        return found;
    }

    /// <summary>Takes a sign that must be there.</summary>
    public void Sign(string sign)
    {
        if (!TrySign(sign))
        {
            throw Unexpected($"'{sign}'");
        }
    }

    /// <summary>Takes a piece of a kind that must be there.</summary>
    public Token Take(TokenKind kind, string expected) => Current.Kind == kind ? Take() : throw Unexpected(expected);

    /// <summary>Goes a level deeper.</summary>
    public void Enter()
    {
        if (++_depth > Budget.MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new TemplateException(Current.Line, $"statements and expressions are nested more than {Budget.MaxDepth} deep.");
        }
    }

    /// <summary>Comes back from it.</summary>
    public void Leave() => _depth--;

    /// <summary>The error about the piece at hand.</summary>
    public TemplateException Unexpected(string expected) => new(Current.Line, $"{Current.Description} stands where {expected} was expected.");
}
