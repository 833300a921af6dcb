using System.Collections.Immutable;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>Something that has a value.</summary>
/// <param name="Line">Where it stands.</param>
internal abstract record Expression(int Line)
{
    /// <summary>A value that is written out.</summary>
    public sealed record Literal(int Line, Value Value) : Expression(Line);

    /// <summary>The value of a name.</summary>
    public sealed record Variable(int Line, string Name) : Expression(Line);

    /// <summary><c>[a, b]</c> or <c>(a, b)</c>.</summary>
    public sealed record ListOf(int Line, ImmutableArray<Expression> Items) : Expression(Line);

    /// <summary><c>{'a': b}</c>.</summary>
    public sealed record MapOf(int Line, ImmutableArray<(Expression Key, Expression Value)> Entries) : Expression(Line);

    /// <summary><c>-a</c>, <c>+a</c>, <c>not a</c>.</summary>
    public sealed record Unary(int Line, string Sign, Expression Operand) : Expression(Line);

    /// <summary>Arithmetic, and joining of texts.</summary>
    public sealed record Binary(int Line, string Sign, Expression Left, Expression Right) : Expression(Line);

    /// <summary><c>and</c>, <c>or</c>: one of the two values, the second looked at only if need be.</summary>
    public sealed record Logical(int Line, bool IsAnd, Expression Left, Expression Right) : Expression(Line);

    /// <summary><c>a &lt; b &lt; c</c>.</summary>
    public sealed record Comparison(int Line, Expression First, ImmutableArray<(string Sign, Expression Operand)> Rest) : Expression(Line);

    /// <summary><c>a if b else c</c>.</summary>
    public sealed record Conditional(int Line, Expression Condition, Expression Then, Expression? Else) : Expression(Line);

    /// <summary><c>a.b</c>.</summary>
    public sealed record Member(int Line, Expression Of, string Name) : Expression(Line);

    /// <summary><c>a[b]</c>.</summary>
    public sealed record Item(int Line, Expression Of, Expression Index) : Expression(Line);

    /// <summary><c>a[b:c:d]</c>.</summary>
    public sealed record Part(int Line, Expression Of, Expression? Start, Expression? Stop, Expression? Step) : Expression(Line);

    /// <summary><c>a(b, c=d)</c>.</summary>
    public sealed record Call(int Line, Expression Of, ArgumentList Arguments) : Expression(Line);

    /// <summary><c>a | name(b)</c>.</summary>
    public sealed record Filter(int Line, Expression Operand, string Name, ArgumentList Arguments) : Expression(Line);

    /// <summary><c>a is name(b)</c>.</summary>
    public sealed record Test(int Line, Expression Operand, string Name, bool IsNegated, ArgumentList Arguments) : Expression(Line);
}
