namespace DiPaCo.Serving.Chat.Templates;

/// <summary>Finds the values of expressions.</summary>
/// <param name="budget">Bounds of the rendering.</param>
internal sealed class Evaluator(Budget budget)
{
    /// <summary>The value of an expression where the names of <paramref name="scope"/> are known.</summary>
    public Value Of(Expression expression, Scope scope)
    {
        budget.Step(expression.Line);
        budget.Enter(expression.Line);
        Value value = expression switch
        {
            Expression.Literal literal => literal.Value,
            Expression.Variable variable => scope.Find(variable.Name),
            Expression.ListOf list => new Value.List([.. list.Items.Select(item => Of(item, scope))]),
            Expression.MapOf map => OfMap(map, scope),
            Expression.Unary unary => OfUnary(unary, scope),
            Expression.Binary binary => Operators.Apply(binary.Sign, Of(binary.Left, scope), Of(binary.Right, scope), budget, binary.Line),
            Expression.Logical logical => Of(logical.Left, scope) is var left && Operators.IsTrue(left) != logical.IsAnd ? left : Of(logical.Right, scope),
            Expression.Comparison comparison => OfComparison(comparison, scope),
            Expression.Conditional choice => Operators.IsTrue(Of(choice.Condition, scope)) ? Of(choice.Then, scope)
                : choice.Else is { } otherwise ? Of(otherwise, scope) : new Value.Undefined("else"),
            Expression.Member member => Members.Get(Of(member.Of, scope), member.Name, member.Line),
            Expression.Item item => Members.Item(Of(item.Of, scope), Of(item.Index, scope), item.Line, budget),
            Expression.Part part => Members.Part(Of(part.Of, scope), OfOptional(part.Start, scope), OfOptional(part.Stop, scope), OfOptional(part.Step, scope), budget, part.Line),
            Expression.Call call => OfCall(call, scope),
            Expression.Filter filter => Filters.Apply(filter.Name, Of(filter.Operand, scope), ArgumentsOf(filter.Name, filter.Arguments, filter.Line, scope)),
            Expression.Test test => Value.Of(Tests.Holds(test.Name, Of(test.Operand, scope), ArgumentsOf(test.Name, test.Arguments, test.Line, scope)) != test.IsNegated),
            _ => throw new InvalidOperationException($"'{expression.GetType().Name}' is no expression."),
        };
        budget.Leave();
        return value;
    }

    private Value? OfOptional(Expression? expression, Scope scope) => expression is null ? null : Of(expression, scope);

    private Value.Map OfMap(Expression.MapOf expression, Scope scope)
    {
        Value.Map map = new();
        foreach ((Expression key, Expression value) in expression.Entries)
        {
            map.Set(Of(key, scope) as Value.Text ?? throw new TemplateException(key.Line, "the key of a map is not a text."), Of(value, scope));
        }

        return map;
    }

    private Value OfUnary(Expression.Unary unary, Scope scope)
    {
        Value operand = Of(unary.Operand, scope);
        return unary.Sign == "not" ? Value.Of(!Operators.IsTrue(operand))
            : Operators.Apply(unary.Sign, new Value.Integer(0), operand, budget, unary.Line);
    }

    private Value OfComparison(Expression.Comparison comparison, Scope scope)
    {
        Value left = Of(comparison.First, scope);
        foreach ((string sign, Expression operand) in comparison.Rest)
        {
            Value right = Of(operand, scope);
            if (!Operators.Compare(sign, left, right, budget, comparison.Line))
            {
                return Value.Of(false);
            }

            left = right;
        }

        return Value.Of(true);
    }

    private Value OfCall(Expression.Call call, Scope scope)
    {
        string name = call.Of switch
        {
            Expression.Variable variable => variable.Name,
            Expression.Member member => member.Name,
            _ => "call",
        };
        return Of(call.Of, scope) is Value.Function function ? function.Call(ArgumentsOf(name, call.Arguments, call.Line, scope))
            : throw new TemplateException(call.Line, $"'{name}' is not known as a function or a method.");
    }

    private Arguments ArgumentsOf(string name, ArgumentList list, int line, Scope scope)
    {
        Dictionary<string, Value> named = new(StringComparer.Ordinal);
        Value[] positional = [.. list.Positional.Select(argument => Of(argument, scope))];
        foreach ((string key, Expression value) in list.Named)
        {
            named[key] = Of(value, scope);
        }

        return new Arguments(name, line, budget, positional, named);
    }
}
