namespace DiPaCo.Serving.Chat.Templates;

/// <summary>What a function, method, filter or test is called with.</summary>
/// <param name="name">What is called.</param>
/// <param name="line">Where.</param>
/// <param name="budget">Bounds of the rendering.</param>
/// <param name="positional">In order.</param>
/// <param name="named">By name.</param>
internal sealed class Arguments(string name, int line, Budget budget, IReadOnlyList<Value> positional, IReadOnlyDictionary<string, Value> named)
{
    /// <summary>Where the call stands.</summary>
    public int Line => line;

    /// <summary>Bounds of the rendering.</summary>
    public Budget Budget => budget;

    /// <summary>How many are given in order.</summary>
    public int Count => positional.Count;

    /// <summary>Those that are given by name.</summary>
    public IReadOnlyDictionary<string, Value> Named => named;

    /// <summary>One of those in order.</summary>
    public Value this[int at] => positional[at];

    /// <summary>The same call without the first of its arguments, which says what is to be called.</summary>
    public Arguments Rest(string called) => new(called, line, budget, [.. positional.Skip(1)], named);

    /// <summary>An argument by its place or its name; null where it is not given, or none.</summary>
    public Value? Find(int at, string key) =>
        at < positional.Count ? NotNone(positional[at]) : named.TryGetValue(key, out Value? value) ? NotNone(value) : null;

    /// <summary>A value that must be given.</summary>
    public Value Get(int at, string key) => at < positional.Count ? positional[at] : named.TryGetValue(key, out Value? value) ? value : throw Wrong($"expected the argument '{key}'.");

    /// <summary>A text that must be given.</summary>
    public MarkedText Text(int at, string key) => Get(at, key) is Value.Text text ? text.Marked : throw Wrong($"'{key}' is {Get(at, key).TypeName}; expected a text.");

    /// <summary>A text that may be given.</summary>
    public MarkedText? FindText(int at, string key) => Find(at, key) switch
    {
        null => null,
        Value.Text text => text.Marked,
        Value other => throw Wrong($"'{key}' is {other.TypeName}; expected a text."),
    };

    /// <summary>A whole number that may be given.</summary>
    public long Integer(int at, string key, long otherwise) => Find(at, key) switch
    {
        null => otherwise,
        Value.Integer integer => integer.Whole,
        Value.Truth truth => truth.IsTrue ? 1 : 0,
        Value other => throw Wrong($"'{key}' is {other.TypeName}; expected a whole number."),
    };

    /// <summary>A truth value that may be given.</summary>
    public bool Flag(int at, string key) => Find(at, key) is { } value && Operators.IsTrue(value);

    /// <summary>An error about the call.</summary>
    public TemplateException Wrong(string problem) => new(line, $"'{name}': {problem}");

    private static Value? NotNone(Value value) => value is Value.None or Value.Undefined ? null : value;
}
