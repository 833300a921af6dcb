using System.Collections.Immutable;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>One rendering of a template: does its statements and collects what they write.</summary>
internal sealed class Rendering
{
    private readonly Budget _budget = new();
    private readonly Evaluator _evaluator;
    private int _loops;

    /// <summary>Begins a rendering.</summary>
    public Rendering() => _evaluator = new Evaluator(_budget);

    private enum Flow
    {
        Next,
        Continue,
        Break,
    }

    /// <summary>Renders.</summary>
    /// <param name="statements">The template.</param>
    /// <param name="scope">What it may use.</param>
    /// <exception cref="TemplateException">The template fails on these values, says so itself, or takes too much.</exception>
    public MarkedText Run(ImmutableArray<Statement> statements, Scope scope)
    {
        MarkedTextBuilder output = new();
        Do(statements, scope, output);
        return output.Build();
    }

    private Flow Do(ImmutableArray<Statement> statements, Scope scope, MarkedTextBuilder output)
    {
        foreach (Statement statement in statements)
        {
            _budget.Step(statement.Line);
            if (Do(statement, scope, output) is var flow and not Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }

    private Flow Do(Statement statement, Scope scope, MarkedTextBuilder output)
    {
        switch (statement)
        {
            case Statement.Data data:
                Write(data.Text, data.Line, output);
                break;
            case Statement.Output { Line: int line } written:
                Write(PythonText.Of(_evaluator.Of(written.Value, scope), _budget, line), line, output);
                break;
            case Statement.If choice:
                return Nested(choice.Line, BranchOf(choice, scope), scope, output);
            case Statement.For loop:
                return Loop(loop, scope, output);
            case Statement.Set set:
                Assign(set.Targets, _evaluator.Of(set.Value, scope), scope, set.Line);
                break;
            case Statement.SetMember set:
                Value.Map target = scope.Find(set.Target) is Value.Map { IsNamespace: true } map ? map
                    : throw new TemplateException(set.Line, $"'{set.Target}' is {scope.Find(set.Target).TypeName}; only members of a namespace can be set.");
                target.Set(set.Name, _evaluator.Of(set.Value, scope));
                break;
            case Statement.Capture capture:
                MarkedTextBuilder captured = new();
                Nested(capture.Line, capture.Body, new Scope(scope), captured);
                scope.Set(capture.Target, new Value.Text(captured.Build()));
                break;
            case Statement.Macro macro:
                scope.Set(macro.Name, new Value.Function(macro.Name, call => Call(macro, call, scope)));
                break;
            case Statement.Group group:
                return Nested(group.Line, group.Body, scope, output);
            case Statement.Jump jump:
                return jump.IsBreak ? Flow.Break : Flow.Continue;
            default:
                throw new InvalidOperationException($"'{statement.GetType().Name}' is no statement.");
        }

        return Flow.Next;
    }

    private ImmutableArray<Statement> BranchOf(Statement.If choice, Scope scope)
    {
        foreach ((Expression condition, ImmutableArray<Statement> body) in choice.Branches)
        {
            if (Operators.IsTrue(_evaluator.Of(condition, scope)))
            {
                return body;
            }
        }

        return choice.Else;
    }

    private Flow Nested(int line, ImmutableArray<Statement> body, Scope scope, MarkedTextBuilder output)
    {
        _budget.Enter(line);
        Flow flow = Do(body, scope, output);
        _budget.Leave();
        return flow;
    }

    private Flow Loop(Statement.For loop, Scope scope, MarkedTextBuilder output)
    {
        IReadOnlyList<Value> items = Members.Items(_evaluator.Of(loop.Over, scope), _budget, loop.Line);
        if (loop.Condition is { } condition)
        {
            items = [.. items.Where(item =>
            {
                Scope tried = new(scope);
                Assign(loop.Targets, item, tried, loop.Line);
                return Operators.IsTrue(_evaluator.Of(condition, tried));
            })];
        }

        if (items.Count == 0)
        {
            return Nested(loop.Line, loop.Else, scope, output);
        }

        _loops++;
        for (int index = 0; index < items.Count; index++)
        {
            _budget.Step(loop.Line);
            Scope inner = new(scope);
            inner.Set("loop", new Value.Loop(items, index, _loops));
            Assign(loop.Targets, items[index], inner, loop.Line);
            if (Nested(loop.Line, loop.Body, inner, output) == Flow.Break)
            {
                break;
            }
        }

        _loops--;
        return Flow.Next;
    }

    private void Assign(ImmutableArray<string> targets, Value value, Scope scope, int line)
    {
        if (targets is [string only])
        {
            scope.Set(only, value);
            return;
        }

        IReadOnlyList<Value> values = Members.Items(value, _budget, line);
        if (values.Count != targets.Length)
        {
            throw new TemplateException(line, $"{targets.Length} names are given {values.Count} values.");
        }

        for (int at = 0; at < targets.Length; at++)
        {
            scope.Set(targets[at], values[at]);
        }
    }

    private Value.Text Call(Statement.Macro macro, Arguments call, Scope around)
    {
        if (call.Count > macro.Parameters.Length)
        {
            throw call.Wrong($"{call.Count} values are given; expected at most {macro.Parameters.Length}.");
        }

        if (call.Named.Keys.FirstOrDefault(name => !macro.Parameters.Any(parameter => parameter.Name == name)) is { } unknown)
        {
            throw call.Wrong($"it has no parameter '{unknown}'.");
        }

        _budget.Enter(call.Line);
        Scope scope = new(around);
        for (int at = 0; at < macro.Parameters.Length; at++)
        {
            (string name, Expression? otherwise) = macro.Parameters[at];
            scope.Set(name, at < call.Count ? call[at]
                : call.Named.TryGetValue(name, out Value? named) ? named
                : otherwise is null ? new Value.Undefined(name) : _evaluator.Of(otherwise, scope));
        }

        MarkedTextBuilder output = new();
        Do(macro.Body, scope, output);
        _budget.Leave();
        return new Value.Text(output.Build());
    }

    private void Write(MarkedText text, int line, MarkedTextBuilder output)
    {
        _budget.Characters(line, text.Length);
        output.Append(text);
    }
}
