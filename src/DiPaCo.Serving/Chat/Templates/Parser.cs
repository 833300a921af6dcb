using System.Collections.Immutable;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>Reads the statements of a template.</summary>
internal sealed class Parser
{
    private static readonly string[] Meant =
        ["if", "for", "set", "macro", "generation", "break", "continue", "raw"];

    private readonly TokenReader _reader;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private Parser(List<Token> tokens)
    {
        _reader = new TokenReader(tokens);
        _expressions = new ExpressionParser(_reader);
    }

    /// <summary>Reads a template.</summary>
    /// <exception cref="TemplateException">It is not one.</exception>
    public static ImmutableArray<Statement> Read(string source)
    {
        Parser parser = new(Lexer.Read(source));
        ImmutableArray<Statement> statements = parser.ReadBody();
        return parser._reader.Current.Kind == TokenKind.End ? statements
            : throw new TemplateException(parser._reader.Current.Line, $"'{parser._reader.Next.Text}' closes nothing that is open.");
    }

    /// <summary>Statements up to a word that ends them, which is left to the caller, or to the end.</summary>
    private ImmutableArray<Statement> ReadBody()
    {
        _reader.Enter();
        ImmutableArray<Statement>.Builder statements = ImmutableArray.CreateBuilder<Statement>();
        while (_reader.Current.Kind != TokenKind.End)
        {
            Token token = _reader.Current;
            switch (token.Kind)
            {
                case TokenKind.Data:
                    _reader.Take();
                    statements.Add(new Statement.Data(token.Line, MarkedText.Own(token.Text)));
                    break;
                case TokenKind.OutputBegin:
                    _reader.Take();
                    statements.Add(new Statement.Output(token.Line, _expressions.ReadList()));
                    _reader.Take(TokenKind.OutputEnd, "'}}'");
                    break;
                default:
                    string word = _reader.Next.Text;
                    if (word.StartsWith("end", StringComparison.Ordinal) || word is "else" or "elif")
                    {
                        _reader.Leave();
                        return statements.ToImmutable();
                    }

                    statements.Add(ReadStatement());
                    break;
            }
        }

        _reader.Leave();
        return statements.ToImmutable();
    }

    private Statement ReadStatement()
    {
        _reader.Take(TokenKind.StatementBegin, "'{%'");
        Token word = _reader.Take(TokenKind.Name, "the name of a statement");
        switch (word.Text)
        {
            case "if":
                return ReadIf(word.Line);
            case "for":
                return ReadFor(word.Line);
            case "set":
                return ReadSet(word.Line);
            case "macro":
                return ReadMacro(word.Line);
            case "generation":
                End();
                Statement.Group group = new(word.Line, ReadBody());
                Close("endgeneration", word);
                return group;
            case "break" or "continue":
                End();
                return _loops > 0 ? new Statement.Jump(word.Line, word.Text == "break") : throw new TemplateException(word.Line, $"'{word.Text}' stands outside of a loop.");
            default:
                throw new TemplateException(word.Line, $"the statement {word.Description} is not known; expected one of {string.Join(", ", Meant)}.");
        }
    }

    private Statement.If ReadIf(int line)
    {
        ImmutableArray<(Expression, ImmutableArray<Statement>)>.Builder branches = ImmutableArray.CreateBuilder<(Expression, ImmutableArray<Statement>)>();
        while (true)
        {
            Expression condition = _expressions.ReadList();
            End();
            branches.Add((condition, ReadBody()));
            Token word = Ending(["elif", "else", "endif"], "if", line);
            if (word.Text == "elif")
            {
                continue;
            }

            End();
            ImmutableArray<Statement> otherwise = [];
            if (word.Text == "else")
            {
                otherwise = ReadBody();
                Close("endif", new Token(TokenKind.Name, "if", line));
            }

            return new Statement.If(line, branches.ToImmutable(), otherwise);
        }
    }

    private Statement.For ReadFor(int line)
    {
        ImmutableArray<string> targets = ReadTargets();
        if (!_reader.TryWord("in"))
        {
            throw _reader.Unexpected("'in'");
        }

        Expression over = _expressions.ReadOr();
        Expression? condition = _reader.TryWord("if") ? _expressions.Read() : null;
        End();
        _loops++;
        ImmutableArray<Statement> body = ReadBody();
        _loops--;
        Token word = Ending(["else", "endfor"], "for", line);
        End();
        ImmutableArray<Statement> otherwise = [];
        if (word.Text == "else")
        {
            otherwise = ReadBody();
            Close("endfor", new Token(TokenKind.Name, "for", line));
        }

        return new Statement.For(line, targets, over, condition, body, otherwise);
    }

    private Statement ReadSet(int line)
    {
        ImmutableArray<string> targets = ReadTargets();
        if (targets is [string target] && _reader.TrySign("."))
        {
            string name = _reader.Take(TokenKind.Name, "the name of a member").Text;
            _reader.Sign("=");
            Statement.SetMember member = new(line, target, name, _expressions.ReadList());
            End();
            return member;
        }

        if (_reader.TrySign("="))
        {
            Statement.Set set = new(line, targets, _expressions.ReadList());
            End();
            return set;
        }

        End();
        Statement.Capture capture = new(line, targets is [string one] ? one : throw new TemplateException(line, "'set' with a body has one name."), ReadBody());
        Close("endset", new Token(TokenKind.Name, "set", line));
        return capture;
    }

    private Statement.Macro ReadMacro(int line)
    {
        string name = _reader.Take(TokenKind.Name, "the name of the macro").Text;
        _reader.Sign("(");
        ImmutableArray<(string, Expression?)>.Builder parameters = ImmutableArray.CreateBuilder<(string, Expression?)>();
        while (!_reader.TrySign(")"))
        {
            string parameter = _reader.Take(TokenKind.Name, "the name of a parameter").Text;
            parameters.Add((parameter, _reader.TrySign("=") ? _expressions.Read() : null));
            if (!_reader.TrySign(",") && !_reader.Current.IsSign(")"))
            {
                throw _reader.Unexpected("',' or ')'");
            }
        }

        End();

        // A macro is no part of the loop that it may stand in.
        int loops = _loops;
        _loops = 0;
        Statement.Macro macro = new(line, name, parameters.ToImmutable(), ReadBody());
        _loops = loops;
        Close("endmacro", new Token(TokenKind.Name, "macro", line));
        return macro;
    }

    private ImmutableArray<string> ReadTargets()
    {
        bool bracketed = _reader.TrySign("(");
        ImmutableArray<string>.Builder targets = ImmutableArray.CreateBuilder<string>();
        do
        {
            targets.Add(_reader.Take(TokenKind.Name, "a name").Text);
        }
        while (_reader.TrySign(","));
        if (bracketed)
        {
            _reader.Sign(")");
        }

        return targets.ToImmutable();
    }

    private void End() => _reader.Take(TokenKind.StatementEnd, "'%}'");

    /// <summary>The word of the statement at hand, which ends a body.</summary>
    private Token Ending(ReadOnlySpan<string> words, string of, int line)
    {
        if (_reader.Current.Kind == TokenKind.End)
        {
            throw new TemplateException(line, $"'{of}' is not closed; expected '{{% end{of} %}}'.");
        }

        _reader.Take();
        return words.Contains(_reader.Current.Text) ? _reader.Take() : throw _reader.Unexpected(string.Join(" or ", words.ToArray().Select(word => $"'{word}'")));
    }

    private void Close(string word, Token of)
    {
        Ending([word], of.Text, of.Line);

        // Jinja allows the name behind it: {% endmacro name %}.
        if (_reader.Current.Kind == TokenKind.Name)
        {
            _reader.Take();
        }

        End();
    }
}
