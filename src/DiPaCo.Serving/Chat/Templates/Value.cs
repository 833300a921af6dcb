namespace DiPaCo.Serving.Chat.Templates;

/// <summary>A value of the template language. Lists and maps are the same for all who have them, as in Python.</summary>
internal abstract class Value
{
    /// <summary>What to call its type in messages.</summary>
    public abstract string TypeName { get; }

    /// <summary>A truth value.</summary>
    public static Value Of(bool value) => value ? Truth.True : Truth.False;

    /// <summary>Text of the template's own.</summary>
    public static Value Of(string value) => new Text(MarkedText.Own(value));

    /// <summary>The value of a name that has none: it prints as nothing and is false.</summary>
    public sealed class Undefined(string name) : Value
    {
        /// <summary>The name.</summary>
        public string Name => name;

        public override string TypeName => $"undefined ('{name}')";
    }

    /// <summary><c>none</c>.</summary>
    public sealed class None : Value
    {
        public static readonly None Instance = new();

        public override string TypeName => "none";
    }

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public sealed class Truth : Value
    {
        public static readonly Truth True = new(true);
        public static readonly Truth False = new(false);

        private Truth(bool isTrue) => IsTrue = isTrue;

        public bool IsTrue { get; }

        public override string TypeName => "a truth value";
    }

    /// <summary>A whole number.</summary>
    public sealed class Integer(long number) : Value
    {
        public long Whole => number;

        public override string TypeName => "a whole number";
    }

    /// <summary>A number.</summary>
    public sealed class Number(double value) : Value
    {
        public double Double => value;

        public override string TypeName => "a number";
    }

    /// <summary>A text.</summary>
    public sealed class Text(MarkedText text) : Value
    {
        public MarkedText Marked => text;

        public string String => text.Value;

        public override string TypeName => "a text";
    }

    /// <summary>A list.</summary>
    public sealed class List(List<Value> items) : Value
    {
        public List<Value> Items => items;

        public override string TypeName => "a list";
    }

    /// <summary>A map from texts to values, in the order in which they were put in.</summary>
    public sealed class Map(bool isNamespace = false) : Value
    {
        public OrderedDictionary<string, (Text Key, Value Value)> Entries { get; } = new(StringComparer.Ordinal);

        /// <summary>Whether a template may set its members.</summary>
        public bool IsNamespace => isNamespace;

        public override string TypeName => isNamespace ? "a namespace" : "a map";

        /// <summary>Puts a value in.</summary>
        public void Set(Text key, Value value) => Entries[key.String] = (key, value);

        /// <summary>Puts a value in, under a key of our own.</summary>
        public void Set(string key, Value value) => Set(new Text(MarkedText.Own(key)), value);

        /// <summary>The value of a key; undefined where there is none.</summary>
        public Value Find(string key) => Entries.TryGetValue(key, out (Text Key, Value Value) entry) ? entry.Value : new Undefined(key);
    }

    /// <summary>Something that can be called: a macro, a function, a method.</summary>
    public sealed class Function(string name, Func<Arguments, Value> call) : Value
    {
        public override string TypeName => $"the function '{name}'";

        public Value Call(Arguments arguments) => call(arguments);
    }

    /// <summary>What <c>loop</c> is.</summary>
    public sealed class Loop(IReadOnlyList<Value> items, int index, int depth) : Value
    {
        public override string TypeName => "a loop";

        /// <summary>A member.</summary>
        public Value Find(string name) => name switch
        {
            "index" => new Integer(index + 1),
            "index0" => new Integer(index),
            "revindex" => new Integer(items.Count - index),
            "revindex0" => new Integer(items.Count - index - 1),
            "first" => Of(index == 0),
            "last" => Of(index == items.Count - 1),
            "length" => new Integer(items.Count),
            "depth" => new Integer(depth),
            "depth0" => new Integer(depth - 1),
            "previtem" when index > 0 => items[index - 1],
            "nextitem" when index + 1 < items.Count => items[index + 1],
            "cycle" => new Function("loop.cycle", arguments => arguments.Count > 0 ? arguments[index % arguments.Count] : throw arguments.Wrong("expected at least one value.")),
            _ => new Undefined($"loop.{name}"),
        };
    }
}
