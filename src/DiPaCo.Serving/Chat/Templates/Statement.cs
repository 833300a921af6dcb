using System.Collections.Immutable;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>Something that is done.</summary>
/// <param name="Line">Where it stands.</param>
internal abstract record Statement(int Line)
{
    /// <summary>Writes text.</summary>
    public sealed record Data(int Line, MarkedText Text) : Statement(Line);

    /// <summary><c>{{ a }}</c>.</summary>
    public sealed record Output(int Line, Expression Value) : Statement(Line);

    /// <summary><c>{% if %}</c> with its <c>elif</c>s.</summary>
    public sealed record If(int Line, ImmutableArray<(Expression Condition, ImmutableArray<Statement> Body)> Branches, ImmutableArray<Statement> Else) : Statement(Line);

    /// <summary><c>{% for a, b in c if d %}</c>.</summary>
    public sealed record For(
        int Line, ImmutableArray<string> Targets, Expression Over, Expression? Condition, ImmutableArray<Statement> Body, ImmutableArray<Statement> Else) : Statement(Line);

    /// <summary><c>{% set a, b = c %}</c>.</summary>
    public sealed record Set(int Line, ImmutableArray<string> Targets, Expression Value) : Statement(Line);

    /// <summary><c>{% set a.b = c %}</c> of a namespace.</summary>
    public sealed record SetMember(int Line, string Target, string Name, Expression Value) : Statement(Line);

    /// <summary><c>{% set a %}…{% endset %}</c>.</summary>
    public sealed record Capture(int Line, string Target, ImmutableArray<Statement> Body) : Statement(Line);

    /// <summary><c>{% macro a(b, c=d) %}</c>.</summary>
    public sealed record Macro(int Line, string Name, ImmutableArray<(string Name, Expression? Default)> Parameters, ImmutableArray<Statement> Body) : Statement(Line);

    /// <summary><c>{% generation %}</c>: marks for training what an assistant said; here only its contents count.</summary>
    public sealed record Group(int Line, ImmutableArray<Statement> Body) : Statement(Line);

    /// <summary><c>{% break %}</c>, <c>{% continue %}</c>.</summary>
    public sealed record Jump(int Line, bool IsBreak) : Statement(Line);
}
