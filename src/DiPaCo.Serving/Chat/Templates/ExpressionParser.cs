using System.Collections.Immutable;
using System.Globalization;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>
/// Reads expressions. From loose to tight: <c>a if b else c</c>, <c>or</c>, <c>and</c>, <c>not</c>, comparisons, <c>+ -</c>, <c>~</c>, <c>* / // %</c>,
/// <c>**</c>, signs, and then members, calls, filters and tests.
/// </summary>
/// <param name="reader">The template.</param>
internal sealed class ExpressionParser(TokenReader reader)
{
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    private static readonly string[] NotATestsArgument = ["else", "or", "and", "is", "if", "not", "in", "recursive"];

    /// <summary>Reads an expression; several with commas between are a list.</summary>
    public Expression ReadList()
    {
        int line = reader.Current.Line;
        Expression first = Read();
        if (!reader.Current.IsSign(","))
        {
            return first;
        }

        ImmutableArray<Expression>.Builder items = ImmutableArray.CreateBuilder<Expression>();
        items.Add(first);
        while (reader.TrySign(",") && reader.Current.Kind is not (TokenKind.StatementEnd or TokenKind.OutputEnd) && !reader.Current.IsSign(")"))
        {
            items.Add(Read());
        }

        return new Expression.ListOf(line, items.ToImmutable());
    }

    /// <summary>Reads an expression.</summary>
    public Expression Read()
    {
        reader.Enter();
        Expression value = ReadOr();
        while (reader.Current.IsWord("if"))
        {
            int line = reader.Take().Line;
            Expression condition = ReadOr();
            value = new Expression.Conditional(line, condition, value, reader.TryWord("else") ? Read() : null);
        }

        reader.Leave();
        return value;
    }

    /// <summary>Reads an expression in which <c>if</c> is not part of it, as behind <c>in</c> of a loop.</summary>
    public Expression ReadOr()
    {
        Expression left = ReadAnd();
        while (reader.Current.IsWord("or"))
        {
            left = new Expression.Logical(reader.Take().Line, IsAnd: false, left, ReadAnd());
        }

        return left;
    }

    private Expression ReadAnd()
    {
        Expression left = ReadNot();
        while (reader.Current.IsWord("and"))
        {
            left = new Expression.Logical(reader.Take().Line, IsAnd: true, left, ReadNot());
        }

        return left;
    }

    private Expression ReadNot()
    {
        if (!reader.Current.IsWord("not"))
        {
            return ReadComparison();
        }

        reader.Enter();
        Expression.Unary negated = new(reader.Take().Line, "not", ReadNot());
        reader.Leave();
        return negated;
    }

    private Expression ReadComparison()
    {
        int line = reader.Current.Line;
        Expression first = ReadSum();
        ImmutableArray<(string, Expression)>.Builder rest = ImmutableArray.CreateBuilder<(string, Expression)>();
        while (true)
        {
            if (reader.Current.Kind == TokenKind.Sign && Comparisons.Contains(reader.Current.Text))
            {
                rest.Add((reader.Take().Text, ReadSum()));
            }
            else if (reader.TryWord("in"))
            {
                rest.Add(("in", ReadSum()));
            }
            else if (reader.Current.IsWord("not") && reader.Next.IsWord("in"))
            {
                reader.Take();
                reader.Take();
                rest.Add(("not in", ReadSum()));
            }
            else
            {
                return rest.Count == 0 ? first : new Expression.Comparison(line, first, rest.ToImmutable());
            }
        }
    }

    private Expression ReadSum() => ReadBinary(["+", "-"], ReadJoin);

    private Expression ReadJoin() => ReadBinary(["~"], ReadProduct);

    private Expression ReadProduct() => ReadBinary(["*", "/", "//", "%"], ReadPower);

    private Expression ReadPower() => ReadBinary(["**"], ReadSigned);

    private Expression ReadBinary(ReadOnlySpan<string> signs, Func<Expression> read)
    {
        Expression left = read();
        while (reader.Current.Kind == TokenKind.Sign && signs.Contains(reader.Current.Text))
        {
            Token sign = reader.Take();
            left = new Expression.Binary(sign.Line, sign.Text, left, read());
        }

        return left;
    }

    private Expression ReadSigned() => ReadFilters(ReadUnfiltered());

    private Expression ReadUnfiltered()
    {
        if (!reader.Current.IsSign("-") && !reader.Current.IsSign("+"))
        {
            return ReadPostfix(ReadPrimary());
        }

        reader.Enter();
        Token sign = reader.Take();
        Expression.Unary signed = new(sign.Line, sign.Text, ReadUnfiltered());
        reader.Leave();
        return signed;
    }

    private Expression ReadPrimary()
    {
        Token token = reader.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                reader.Take();
                return token.Text switch
                {
                    "true" or "True" => new Expression.Literal(token.Line, Value.Of(true)),
                    "false" or "False" => new Expression.Literal(token.Line, Value.Of(false)),
                    "none" or "None" => new Expression.Literal(token.Line, Value.None.Instance),
                    _ => new Expression.Variable(token.Line, token.Text),
                };
            case TokenKind.Text:
                // Strings side by side are one.
                string text = reader.Take().Text;
                while (reader.Current.Kind == TokenKind.Text)
                {
                    text += reader.Take().Text;
                }

                return new Expression.Literal(token.Line, Value.Of(text));
            case TokenKind.Integer:
                reader.Take();
                return long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long whole)
                    ? new Expression.Literal(token.Line, new Value.Integer(whole))
                    : throw new TemplateException(token.Line, $"the number {token.Description} is too large.");
            case TokenKind.Number:
                reader.Take();
                return new Expression.Literal(token.Line, new Value.Number(double.Parse(token.Text, CultureInfo.InvariantCulture)));
            case TokenKind.Sign when token.Text == "(":
                reader.Take();
                Expression inner = reader.Current.IsSign(")") ? new Expression.ListOf(token.Line, []) : ReadList();
                reader.Sign(")");
                return inner;
            case TokenKind.Sign when token.Text == "[":
                return ReadListLiteral();
            case TokenKind.Sign when token.Text == "{":
                return ReadMapLiteral();
            default:
                throw reader.Unexpected("a value");
        }
    }

    private Expression.ListOf ReadListLiteral()
    {
        int line = reader.Take().Line;
        ImmutableArray<Expression>.Builder items = ImmutableArray.CreateBuilder<Expression>();
        while (!reader.TrySign("]"))
        {
            items.Add(Read());
            if (!reader.TrySign(",") && !reader.Current.IsSign("]"))
            {
                throw reader.Unexpected("',' or ']'");
            }
        }

        return new Expression.ListOf(line, items.ToImmutable());
    }

    private Expression.MapOf ReadMapLiteral()
    {
        int line = reader.Take().Line;
        ImmutableArray<(Expression, Expression)>.Builder entries = ImmutableArray.CreateBuilder<(Expression, Expression)>();
        while (!reader.TrySign("}"))
        {
            Expression key = Read();
            reader.Sign(":");
            entries.Add((key, Read()));
            if (!reader.TrySign(",") && !reader.Current.IsSign("}"))
            {
                throw reader.Unexpected("',' or '}'");
            }
        }

        return new Expression.MapOf(line, entries.ToImmutable());
    }

    private Expression ReadPostfix(Expression value)
    {
        // A chain is as deep as it is long when it is evaluated.
        int links = 0;
        while (true)
        {
            int line = reader.Current.Line;
            if (reader.TrySign("."))
            {
                // foo.0 is an item.
                value = reader.Current.Kind == TokenKind.Integer
                    ? new Expression.Item(line, value, ReadPrimary())
                    : new Expression.Member(line, value, reader.Take(TokenKind.Name, "a name").Text);
            }
            else if (reader.TrySign("["))
            {
                value = ReadIndex(value, line);
                reader.Sign("]");
            }
            else if (reader.Current.IsSign("("))
            {
                value = new Expression.Call(line, value, ReadArguments());
            }
            else
            {
                return value;
            }

            if (++links > Budget.MaxDepth)
            {
                throw new TemplateException(line, $"a value has more than {Budget.MaxDepth} members and calls behind it.");
            }
        }
    }

    private Expression ReadIndex(Expression value, int line)
    {
        Expression? start = reader.Current.IsSign(":") ? null : Read();
        if (!reader.TrySign(":"))
        {
            return new Expression.Item(line, value, start!);
        }

        Expression? stop = reader.Current.IsSign(":") || reader.Current.IsSign("]") ? null : Read();
        Expression? step = reader.TrySign(":") && !reader.Current.IsSign("]") ? Read() : null;
        return new Expression.Part(line, value, start, stop, step);
    }

    private ArgumentList ReadArguments()
    {
        reader.Sign("(");
        ImmutableArray<Expression>.Builder positional = ImmutableArray.CreateBuilder<Expression>();
        ImmutableArray<(string, Expression)>.Builder named = ImmutableArray.CreateBuilder<(string, Expression)>();
        while (!reader.TrySign(")"))
        {
            if (reader.Current.Kind == TokenKind.Name && reader.Next.IsSign("="))
            {
                string name = reader.Take().Text;
                reader.Take();
                named.Add((name, Read()));
            }
            else if (named.Count == 0)
            {
                positional.Add(Read());
            }
            else
            {
                throw reader.Unexpected("another argument with its name");
            }

            if (!reader.TrySign(",") && !reader.Current.IsSign(")"))
            {
                throw reader.Unexpected("',' or ')'");
            }
        }

        return new ArgumentList(positional.ToImmutable(), named.ToImmutable());
    }

    private Expression ReadFilters(Expression value)
    {
        int links = 0;
        while (true)
        {
            int line = reader.Current.Line;
            if (reader.TrySign("|"))
            {
                string name = reader.Take(TokenKind.Name, "the name of a filter").Text;
                value = new Expression.Filter(line, value, Filters.Known(name, line), reader.Current.IsSign("(") ? ReadArguments() : ArgumentList.None);
            }
            else if (reader.TryWord("is"))
            {
                value = ReadTest(value, line);
            }
            else
            {
                return value;
            }

            if (++links > Budget.MaxDepth)
            {
                throw new TemplateException(line, $"a value has more than {Budget.MaxDepth} filters and tests behind it.");
            }
        }
    }

    private Expression.Test ReadTest(Expression value, int line)
    {
        bool isNegated = reader.TryWord("not");
        string name = Tests.Known(
            reader.Current.Kind == TokenKind.Sign && Comparisons.Contains(reader.Current.Text) ? reader.Take().Text : reader.Take(TokenKind.Name, "the name of a test").Text, line);
        Token next = reader.Current;
        bool hasOperand = next.Kind is TokenKind.Text or TokenKind.Integer or TokenKind.Number || next.IsSign("[") || next.IsSign("{")
            || (next.Kind == TokenKind.Name && !NotATestsArgument.Contains(next.Text));
        ArgumentList arguments = next.IsSign("(") ? ReadArguments()
            : hasOperand ? new ArgumentList([ReadPostfix(ReadPrimary())], [])
            : ArgumentList.None;
        return new Expression.Test(line, value, name, isNegated, arguments);
    }
}
