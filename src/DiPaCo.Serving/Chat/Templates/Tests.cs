using System.Collections.Frozen;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>The tests: <c>value is name(arguments)</c>.</summary>
internal static class Tests
{
    private static readonly FrozenDictionary<string, Func<Value, Arguments, bool>> All = new Dictionary<string, Func<Value, Arguments, bool>>(StringComparer.Ordinal)
    {
        ["boolean"] = (value, _) => value is Value.Truth,
        ["callable"] = (value, _) => value is Value.Function,
        ["defined"] = (value, _) => value is not Value.Undefined,
        ["divisibleby"] = (value, call) => Operators.AreEqual(Operators.Apply("%", value, call.Get(0, "num"), call.Budget, call.Line), new Value.Integer(0), call.Budget, call.Line),
        ["eq"] = Compares("=="),
        ["equalto"] = Compares("=="),
        ["=="] = Compares("=="),
        ["even"] = (value, call) => Whole(value, call) % 2 == 0,
        ["false"] = (value, _) => value is Value.Truth { IsTrue: false },
        ["float"] = (value, _) => value is Value.Number,
        ["ge"] = Compares(">="),
        [">="] = Compares(">="),
        ["gt"] = Compares(">"),
        [">"] = Compares(">"),
        ["in"] = Compares("in"),
        ["integer"] = (value, _) => value is Value.Integer,
        ["iterable"] = (value, _) => value is Value.List or Value.Map or Value.Text or Value.Undefined,
        ["le"] = Compares("<="),
        ["<="] = Compares("<="),
        ["lower"] = (value, call) => Letters(value, call) is var text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        ["lt"] = Compares("<"),
        ["<"] = Compares("<"),
        ["mapping"] = (value, _) => value is Value.Map,
        ["ne"] = Compares("!="),
        ["!="] = Compares("!="),
        ["none"] = (value, _) => value is Value.None,
        ["number"] = (value, _) => value is Value.Integer or Value.Number or Value.Truth,
        ["odd"] = (value, call) => Whole(value, call) % 2 != 0,
        ["sameas"] = (value, call) => ReferenceEquals(value, call.Get(0, "other")),
        ["sequence"] = (value, _) => value is Value.List or Value.Map or Value.Text or Value.Undefined,
        ["string"] = (value, _) => value is Value.Text,
        ["true"] = (value, _) => value is Value.Truth { IsTrue: true },
        ["undefined"] = (value, _) => value is Value.Undefined,
        ["upper"] = (value, call) => Letters(value, call) is var text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The name, if there is such a test.</summary>
    /// <exception cref="TemplateException">There is none.</exception>
    public static string Known(string name, int line) => All.ContainsKey(name) ? name
        : throw new TemplateException(line, $"the test '{name}' is not known; expected one of {string.Join(", ", All.Keys.Order(StringComparer.Ordinal))}.");

    /// <summary>Whether a value passes a test.</summary>
    public static bool Holds(string name, Value value, Arguments call)
    {
        call.Budget.Step(call.Line);
        return All[name](value, call);
    }

    private static string Letters(Value value, Arguments call)
    {
        string text = PythonText.Of(value, call.Budget, call.Line).Value;
        call.Budget.Characters(call.Line, text.Length);
        return text;
    }

    private static Func<Value, Arguments, bool> Compares(string sign) => (value, call) => Operators.Compare(sign, value, call.Get(0, "other"), call.Budget, call.Line);

    private static long Whole(Value value, Arguments call) => value is Value.Integer integer ? integer.Whole : throw call.Wrong($"it is given {value.TypeName}; expected a whole number.");
}
