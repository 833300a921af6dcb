using DiPaCo.Data;

namespace DiPaCo.Serving.Text;

/// <summary>The bytes that each further token adds to a text. Formats that join tokens with spaces need some tokens before it.</summary>
/// <param name="tokenizer">The tokenizer.</param>
internal sealed class TokenText(TextTokenizer tokenizer)
{
    /// <summary>Tokens before one that say what it adds.</summary>
    public const int Window = 4;

    private readonly List<int> _window = [];

    /// <summary>The bytes of a token behind those that came before.</summary>
    public byte[] Next(int token)
    {
        int before = tokenizer.DecodeBytes([.. _window]).Length;
        _window.Add(token);
        byte[] with = tokenizer.DecodeBytes([.. _window]);
        if (_window.Count > Window)
        {
            _window.RemoveAt(0);
        }

        return with[Math.Min(before, with.Length)..];
    }
}
