using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>
/// Cuts a template into pieces, with white space as Hugging Face sets Jinja up: a line break behind a statement goes (<c>trim_blocks</c>), and so does
/// the indentation before one (<c>lstrip_blocks</c>); <c>-</c> takes all white space on its side, <c>+</c> leaves it.
/// </summary>
internal sealed partial class Lexer
{
    private static readonly string[] Signs =
        ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|"];

    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;
    private int _counted;

    private Lexer(string source)
    {
        // As in Jinja: line ends are one character, and the last one of the file does not count.
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        _source = source.EndsWith('\n') ? source[..^1] : source;
    }

    /// <summary>Cuts a template.</summary>
    /// <exception cref="TemplateException">Something is not closed, or has no place in a template.</exception>
    public static List<Token> Read(string source)
    {
        Lexer lexer = new(source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private int Line
    {
        get
        {
            _line += _source.AsSpan(_counted, _at - _counted).Count('\n');
            _counted = _at;
            return _line;
        }
    }

    private void ReadAll()
    {
        bool isAtLineStart = true;
        while (_at < _source.Length)
        {
            int begin = NextTag(_at);
            int line = Line;
            string text = _source[_at..begin];
            if (begin == _source.Length)
            {
                Add(TokenKind.Data, text, line);
                break;
            }

            char kind = _source[begin + 1];
            char sign = begin + 2 < _source.Length ? _source[begin + 2] : '\0';
            Add(TokenKind.Data, Before(text, kind, sign, isAtLineStart), line);
            _at = begin + 2;
            _at += sign == '-' || (sign == '+' && kind == '%') ? 1 : 0;
            if (kind == '#')
            {
                SkipComment();
            }
            else
            {
                ReadTag(kind == '{');
            }

            isAtLineStart = _at > 0 && _source[_at - 1] == '\n';
        }

        _at = _source.Length;
        _tokens.Add(new Token(TokenKind.End, "", Line));
    }

    private int NextTag(int from)
    {
        for (int at = from; (at = _source.IndexOf('{', at)) >= 0 && at + 1 < _source.Length; at++)
        {
            if (_source[at + 1] is '{' or '%' or '#')
            {
                return at;
            }
        }

        return _source.Length;
    }

    private static string Before(string text, char kind, char sign, bool isAtLineStart)
    {
        if (sign == '-')
        {
            return text.TrimEnd();
        }

        int lineStart = text.LastIndexOf('\n') + 1;
        return kind != '{' && sign != '+' && (lineStart > 0 || isAtLineStart) && text.AsSpan(lineStart).IsWhiteSpace() ? text[..lineStart] : text;
    }

    private void SkipComment()
    {
        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new TemplateException(Line, "a comment is not closed; expected '#}'.");
        }

        char sign = end > _at ? _source[end - 1] : '\0';
        _at = end + 2;
        After(sign, trimsLine: true);
    }

    private void ReadTag(bool isOutput)
    {
        int line = Line;
        int first = _tokens.Count;
        _tokens.Add(new Token(isOutput ? TokenKind.OutputBegin : TokenKind.StatementBegin, isOutput ? "{{" : "{%", line));
        string close = isOutput ? "}}" : "%}";
        Stack<char> open = new();
        while (true)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
            {
                _at++;
            }

            if (_at >= _source.Length)
            {
                throw new TemplateException(line, $"'{(isOutput ? "{{" : "{%")}' is not closed; expected '{close}'.");
            }

            char sign = _source[_at];
            bool signed = sign is '-' or '+';
            if (open.Count == 0 && string.CompareOrdinal(_source, _at + (signed ? 1 : 0), close, 0, 2) == 0)
            {
                _at += signed ? 3 : 2;
                _tokens.Add(new Token(isOutput ? TokenKind.OutputEnd : TokenKind.StatementEnd, close, Line));
                bool isRaw = !isOutput && _tokens.Count == first + 3 && _tokens[first + 1].IsWord("raw");
                After(signed ? sign : '\0', trimsLine: !isOutput);
                if (isRaw)
                {
                    _tokens.RemoveRange(first, 3);
                    ReadRaw(line);
                }

                return;
            }

            ReadToken(open);
        }
    }

    /// <summary>White space behind a tag.</summary>
    private void After(char sign, bool trimsLine)
    {
        if (sign == '-')
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
            {
                _at++;
            }
        }
        else if (trimsLine && sign != '+' && _at < _source.Length && _source[_at] == '\n')
        {
            _at++;
        }
    }

    private void ReadRaw(int line)
    {
        Match end = RawEnd().Match(_source, _at);
        if (!end.Success)
        {
            throw new TemplateException(line, "'raw' is not closed; expected '{% endraw %}'.");
        }

        char before = end.Groups["before"].ValueSpan is [char one] ? one : '\0';
        Add(TokenKind.Data, Before(_source[_at..end.Index], '%', before, isAtLineStart: _source[_at - 1] == '\n'), line);
        _at = end.Index + end.Length;
        After(end.Groups["after"].ValueSpan is [char last] ? last : '\0', trimsLine: true);
    }

    private void ReadToken(Stack<char> open)
    {
        int line = Line;
        char one = _source[_at];
        if (one is '\'' or '"')
        {
            _tokens.Add(new Token(TokenKind.Text, ReadText(one, line), line));
            return;
        }

        int start = _at;
        if (char.IsLetter(one) || one == '_')
        {
            while (_at < _source.Length && (char.IsLetterOrDigit(_source[_at]) || _source[_at] == '_'))
            {
                _at++;
            }

            _tokens.Add(new Token(TokenKind.Name, _source[start.._at], line));
            return;
        }

        if (char.IsAsciiDigit(one))
        {
            Match number = NumberAt().Match(_source, _at);
            _at += number.Length;
            bool whole = !number.Groups["rest"].Success;
            _tokens.Add(new Token(whole ? TokenKind.Integer : TokenKind.Number, number.Value.Replace("_", "", StringComparison.Ordinal), line));
            return;
        }

        string sign = Array.Find(Signs, known => string.CompareOrdinal(_source, _at, known, 0, known.Length) == 0)
            ?? throw new TemplateException(line, string.Create(CultureInfo.InvariantCulture, $"the character '{one}' (U+{(int)one:X4}) has no meaning here."));
        _at += sign.Length;
        Balance(open, sign, line);
        _tokens.Add(new Token(TokenKind.Sign, sign, line));
    }

    private static void Balance(Stack<char> open, string sign, int line)
    {
        switch (sign)
        {
            case "(" or "[" or "{":
                open.Push(sign == "(" ? ')' : sign == "[" ? ']' : '}');
                break;
            case ")" or "]" or "}" when !open.TryPop(out char expected) || expected != sign[0]:
                throw new TemplateException(line, $"'{sign}' closes nothing that is open.");
            default:
                break;
        }
    }

    private string ReadText(char quote, int line)
    {
        StringBuilder text = new();
        for (_at++; _at < _source.Length; _at++)
        {
            char one = _source[_at];
            if (one == quote)
            {
                _at++;
                return text.ToString();
            }

            if (one == '\\' && _at + 1 < _source.Length)
            {
                _at++;
                ReadEscape(text);
            }
            else
            {
                text.Append(one);
            }
        }

        throw new TemplateException(line, $"a string is not closed; expected {quote}.");
    }

    private void ReadEscape(StringBuilder text)
    {
        char one = _source[_at];
        int digits = one switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0 && _at + digits < _source.Length
            && int.TryParse(_source.AsSpan(_at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) && code is >= 0 and <= 0x10FFFF)
        {
            _at += digits;
            text.Append(code < 0x10000 ? ((char)code).ToString() : char.ConvertFromUtf32(code));
            return;
        }

        // What is no escape keeps its backslash, as in Python.
        text.Append(one switch
        {
            'n' => "\n", 't' => "\t", 'r' => "\r", 'b' => "\b", 'f' => "\f", 'v' => "\v", 'a' => "\a", '0' => "\0", '\n' => "",
            '\\' or '\'' or '"' => one.ToString(),
            _ => $"\\{one}",
        });
    }

    private void Add(TokenKind kind, string text, int line)
    {
        if (text.Length > 0)
        {
            _tokens.Add(new Token(kind, text, line));
        }
    }

    [GeneratedRegex(@"\{%(?<before>[-+]?)\s*endraw\s*(?<after>[-+]?)%\}", RegexOptions.CultureInvariant)]
    private static partial Regex RawEnd();

    [GeneratedRegex(@"\G[0-9]+(?:_[0-9]+)*(?<rest>(?:\.[0-9]+(?:_[0-9]+)*)?[eE][-+]?[0-9]+|\.[0-9]+(?:_[0-9]+)*)?", RegexOptions.CultureInvariant)]
    private static partial Regex NumberAt();
}
