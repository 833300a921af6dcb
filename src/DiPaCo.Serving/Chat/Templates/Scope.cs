namespace DiPaCo.Serving.Chat.Templates;

/// <summary>The names that are known at a place; what a loop or a macro sets is forgotten at its end.</summary>
/// <param name="outer">The names around it.</param>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, Value> _values = new(StringComparer.Ordinal);

    /// <summary>The value of a name.</summary>
    public Value Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._values.TryGetValue(name, out Value? value))
            {
                return value;
            }
        }

        return new Value.Undefined(name);
    }

    /// <summary>Sets a name here.</summary>
    public void Set(string name, Value value) => _values[name] = value;

    private Scope? Outer => outer;
}
