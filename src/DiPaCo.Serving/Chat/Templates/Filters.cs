using System.Collections.Frozen;
using System.Globalization;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>The filters: <c>value | name(arguments)</c>.</summary>
internal static class Filters
{
    private static readonly FrozenDictionary<string, Func<Value, Arguments, Value>> All = new Dictionary<string, Func<Value, Arguments, Value>>(StringComparer.Ordinal)
    {
        ["abs"] = Absolute,
        ["capitalize"] = (value, call) => TextMethods.Mapped(Text(value, call), call, TextMethods.Capitalize),
        ["count"] = Length,
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = SortedItems,
        ["e"] = Escape,
        ["escape"] = Escape,
        ["first"] = (value, call) => Items(value, call) is [Value first, ..] ? first : new Value.Undefined("first"),
        ["float"] = (value, call) => Number(value, call) is { } number ? new Value.Number(number) : call.Find(0, "default") ?? new Value.Number(0),
        ["indent"] = Indent,
        ["int"] = Integer,
        ["items"] = (value, call) => value is Value.Map map ? MapMethods.Items(map, call)
            : value is Value.Undefined ? new Value.List([]) : throw call.Wrong($"it is given {value.TypeName}; expected a map."),
        ["join"] = Join,
        ["last"] = (value, call) => Items(value, call) is [.., Value last] ? last : new Value.Undefined("last"),
        ["length"] = Length,
        ["list"] = (value, call) => new Value.List([.. Items(value, call)]),
        ["lower"] = (value, call) => TextMethods.Mapped(Text(value, call), call, text => text.ToLowerInvariant()),
        ["map"] = Map,
        ["reject"] = (value, call) => Select(value, call, attribute: false, keeps: false),
        ["rejectattr"] = (value, call) => Select(value, call, attribute: true, keeps: false),
        ["replace"] = (value, call) => TextMethods.Replace(Text(value, call), call),
        ["reverse"] = (value, call) => value is Value.Text ? Members.Part(value, null, null, new Value.Integer(-1), call.Budget, call.Line) : new Value.List([.. Items(value, call).Reverse()]),
        ["safe"] = (value, call) => new Value.Text(Text(value, call)),
        ["select"] = (value, call) => Select(value, call, attribute: false, keeps: true),
        ["selectattr"] = (value, call) => Select(value, call, attribute: true, keeps: true),
        ["sort"] = Sort,
        ["string"] = (value, call) => new Value.Text(Text(value, call)),
        ["sum"] = (value, call) => Attributes(value, call, 0).Aggregate((Value)new Value.Integer(0), (sum, one) => Operators.Apply("+", sum, one, call.Budget, call.Line)),
        ["title"] = (value, call) => TextMethods.Mapped(Text(value, call), call, TextMethods.Title),
        ["tojson"] = (value, call) => new Value.Text(JsonText.Of(value, call)),
        ["trim"] = (value, call) => new Value.Text(TextMethods.Strip(Text(value, call), call.FindText(0, "chars"), start: true, end: true, call)),
        ["unique"] = Unique,
        ["upper"] = (value, call) => TextMethods.Mapped(Text(value, call), call, text => text.ToUpperInvariant()),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The name, if there is such a filter.</summary>
    /// <exception cref="TemplateException">There is none.</exception>
    public static string Known(string name, int line) => All.ContainsKey(name) ? name
        : throw new TemplateException(line, $"the filter '{name}' is not known; expected one of {string.Join(", ", All.Keys.Order(StringComparer.Ordinal))}.");

    /// <summary>Applies a filter.</summary>
    public static Value Apply(string name, Value value, Arguments call)
    {
        call.Budget.Step(call.Line);
        return All[name](value, call);
    }

    private static MarkedText Text(Value value, Arguments call) => PythonText.Of(value, call.Budget, call.Line);

    private static IReadOnlyList<Value> Items(Value value, Arguments call) => Members.Items(value, call.Budget, call.Line);

    private static Value Absolute(Value value, Arguments call) => value switch
    {
        Value.Integer integer when integer.Whole != long.MinValue => new Value.Integer(Math.Abs(integer.Whole)),
        Value.Number number => new Value.Number(Math.Abs(number.Double)),
        _ => throw call.Wrong($"it is given {value.TypeName}; expected a number."),
    };

    private static Value.Integer Length(Value value, Arguments call) => new(value switch
    {
        Value.Text text => text.Marked.Length,
        Value.List list => list.Items.Count,
        Value.Map map => map.Entries.Count,
        Value.Undefined => 0,
        _ => throw call.Wrong($"it is given {value.TypeName}; expected a text, a list or a map."),
    });

    private static Value Default(Value value, Arguments call) =>
        value is Value.Undefined || (call.Flag(1, "boolean") && !Operators.IsTrue(value))
            ? call.Count > 0 || call.Named.ContainsKey("default_value") ? call.Get(0, "default_value") : Value.Of("")
            : value;

    private static Value.List SortedItems(Value value, Arguments call)
    {
        List<Value> pairs = ((Value.List)Apply("items", value, call)).Items;
        return Sorted(() => pairs.OrderBy(pair => ((Value.List)pair).Items[0], Order(call, caseSensitive: false)));
    }

    private static Value.Text Escape(Value value, Arguments call)
    {
        MarkedText text = Text(value, call);
        call.Budget.Characters(call.Line, 2L * text.Length);
        MarkedTextBuilder escaped = new();
        for (int at = 0; at < text.Length; at++)
        {
            escaped.Append(text.Value[at] switch { '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", '"' => "&#34;", '\'' => "&#39;", char one => one.ToString() }, text.Foreign[at]);
        }

        return new Value.Text(escaped.Build());
    }

    private static double? Number(Value value, Arguments call) => value is Value.Text text
        ? double.TryParse(Looked(text, call).Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed) ? parsed : null
        : Operators.AsNumber(value);

    private static string Looked(Value.Text text, Arguments call)
    {
        call.Budget.Characters(call.Line, text.Marked.Length);
        return text.String;
    }

    private static Value Integer(Value value, Arguments call) =>
        value is Value.Integer ? value
        : Number(value, call) is { } number && Math.Abs(number) < 1e18 ? new Value.Integer((long)number)
        : call.Find(0, "default") ?? new Value.Integer(0);

    private static Value.Text Indent(Value value, Arguments call)
    {
        MarkedText indent = call.Find(0, "width") is Value.Text own ? own.Marked : MarkedText.Own(new string(' ', (int)Math.Clamp(call.Integer(0, "width", 4), 0, 64)));
        (bool first, bool blank) = (call.Flag(1, "first"), call.Flag(2, "blank"));
        MarkedText text = Text(value, call);
        List<MarkedText> lines = TextMethods.Lines(new MarkedTextBuilder().Append(text).Append("\n").Build(), call);
        call.Budget.Characters(call.Line, (long)indent.Length * lines.Count);
        MarkedTextBuilder indented = new();
        for (int at = 0; at < lines.Count; at++)
        {
            indented.Append(at == 0 ? "" : "\n");
            indented.Append(at == 0 ? first ? indent : MarkedText.Empty : blank || lines[at].Length > 0 ? indent : MarkedText.Empty);
            indented.Append(lines[at]);
        }

        return new Value.Text(indented.Build());
    }

    private static Value.Text Join(Value value, Arguments call) => TextMethods.Join(call.FindText(0, "d") ?? MarkedText.Empty, Attributes(value, call, 1), call);

    /// <summary>The items, or what each has under the argument <c>attribute</c>.</summary>
    private static IReadOnlyList<Value> Attributes(Value value, Arguments call, int at) =>
        call.FindText(at, "attribute") is { } path ? [.. Items(value, call).Select(item => Members.AtPath(item, path.Value, call.Line))] : Items(value, call);

    private static Value.List Map(Value value, Arguments call)
    {
        if (call.Named.ContainsKey("attribute"))
        {
            Value? otherwise = call.Named.GetValueOrDefault("default");
            return new Value.List([.. Attributes(value, call, int.MaxValue).Select(item => item is Value.Undefined && otherwise is not null ? otherwise : item)]);
        }

        string name = Known(call.Text(0, "filter").Value, call.Line);
        return new Value.List([.. Items(value, call).Select(item => Apply(name, item, call.Rest(name)))]);
    }

    private static Value.List Select(Value value, Arguments call, bool attribute, bool keeps)
    {
        string? path = attribute ? call.Text(0, "attribute").Value : null;
        int at = attribute ? 1 : 0;
        Arguments rest = attribute && call.Count > 0 ? call.Rest(path!) : call;
        string? test = call.Count > at ? Tests.Known(call.Text(at, "test").Value, call.Line) : null;
        Arguments arguments = test is null ? rest : rest.Rest(test);
        return new Value.List([.. Items(value, call).Where(item =>
        {
            Value tested = path is null ? item : Members.AtPath(item, path, call.Line);
            return (test is null ? Operators.IsTrue(tested) : Tests.Holds(test, tested, arguments)) == keeps;
        })]);
    }

    private static Value.List Sort(Value value, Arguments call)
    {
        string? path = call.FindText(2, "attribute")?.Value;
        Value Key(Value item) => path is null ? item : Members.AtPath(item, path, call.Line);
        IReadOnlyList<Value> items = Items(value, call);
        IComparer<Value> order = Order(call, call.Flag(1, "case_sensitive"));
        return Sorted(() => call.Flag(0, "reverse") ? items.OrderByDescending(Key, order) : items.OrderBy(Key, order));
    }

    private static Value.List Sorted(Func<IEnumerable<Value>> sort)
    {
        try
        {
            return new Value.List([.. sort()]);
        }
        catch (InvalidOperationException exception) when (exception.InnerException is TemplateException inner)
        {
            throw inner;
        }
    }

    private static Value.List Unique(Value value, Arguments call)
    {
        List<Value> kept = [];
        bool caseSensitive = call.Flag(0, "case_sensitive");
        foreach (Value item in Attributes(value, call, 1))
        {
            Value key = Folded(item, caseSensitive, call);
            if (!kept.Any(known => Operators.AreEqual(Folded(known, caseSensitive, call), key, call.Budget, call.Line)))
            {
                kept.Add(item);
            }
        }

        return new Value.List(kept);
    }

    private static Comparer<Value> Order(Arguments call, bool caseSensitive) => Comparer<Value>.Create(
        (left, right) => Operators.Compare(Folded(left, caseSensitive, call), Folded(right, caseSensitive, call), call.Budget, call.Line));

    private static Value Folded(Value value, bool caseSensitive, Arguments call) =>
        value is Value.Text text && !caseSensitive ? TextMethods.Mapped(text.Marked, call, letters => letters.ToLowerInvariant()) : value;
}
