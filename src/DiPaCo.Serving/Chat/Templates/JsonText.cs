using System.Globalization;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>The filter <c>tojson</c> as Hugging Face has it: JSON as Python writes it, letters of all scripts as they are, nothing escaped for HTML.</summary>
internal sealed class JsonText
{
    private readonly MarkedTextBuilder _written = new();
    private readonly Arguments _call;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;
    private readonly bool _sortsKeys;

    private JsonText(Arguments call)
    {
        _call = call;
        _indent = call.Find(0, "indent") is null ? null : new string(' ', (int)Math.Clamp(call.Integer(0, "indent", 0), 0, 16));
        _sortsKeys = call.Flag(3, "sort_keys");
        (_itemSeparator, _keySeparator) = call.Find(2, "separators") switch
        {
            null => (_indent is null ? ", " : ",", ": "),
            Value.List { Items: [Value.Text items, Value.Text keys] } => (items.String, keys.String),
            _ => throw call.Wrong("'separators' must be two texts."),
        };
        if (call.Flag(1, "ensure_ascii"))
        {
            throw call.Wrong("'ensure_ascii' is not supported.");
        }
    }

    /// <summary>A value as JSON.</summary>
    public static MarkedText Of(Value value, Arguments call)
    {
        JsonText json = new(call);
        json.Write(value, 0);
        return json._written.Build();
    }

    private void Write(Value value, int depth)
    {
        _call.Budget.Step(_call.Line);
        _call.Budget.Enter(_call.Line);
        switch (value)
        {
            case Value.None:
                _written.Append("null");
                break;
            case Value.Truth truth:
                _written.Append(truth.IsTrue ? "true" : "false");
                break;
            case Value.Integer integer:
                _written.Append(integer.Whole.ToString(CultureInfo.InvariantCulture));
                break;
            case Value.Number number:
                _written.Append(PythonText.Of(number.Double));
                break;
            case Value.Text text:
                Quote(text.Marked);
                break;
            case Value.List list:
                WriteAll('[', list.Items, ']', depth, item => Write(item, depth + 1));
                break;
            case Value.Map map:
                IEnumerable<(Value.Text Key, Value Value)> entries = map.Entries.Values;
                WriteAll('{', [.. _sortsKeys ? entries.OrderBy(entry => entry.Key.String, StringComparer.Ordinal) : entries], '}', depth, entry =>
                {
                    Quote(entry.Key.Marked);
                    _written.Append(_keySeparator);
                    Write(entry.Value, depth + 1);
                });
                break;
            default:
                throw _call.Wrong($"{value.TypeName} has no JSON.");
        }

        _call.Budget.Leave();
    }

    private void WriteAll<T>(char open, List<T> items, char close, int depth, Action<T> write)
    {
        _written.Append(open.ToString());
        for (int at = 0; at < items.Count; at++)
        {
            _written.Append(at == 0 ? "" : _itemSeparator);
            Break(depth + 1);
            write(items[at]);
        }

        if (items.Count > 0)
        {
            Break(depth);
        }

        _written.Append(close.ToString());
    }

    private void Break(int depth)
    {
        if (_indent is not null)
        {
            _call.Budget.Characters(_call.Line, 1 + ((long)_indent.Length * depth));
            _written.Append("\n");
            for (int at = 0; at < depth; at++)
            {
                _written.Append(_indent);
            }
        }
    }

    private void Quote(MarkedText text)
    {
        _call.Budget.Characters(_call.Line, 2L * text.Length);
        _written.Append("\"");
        for (int at = 0; at < text.Length; at++)
        {
            char one = text.Value[at];
            _written.Append(
                one switch
                {
                    '"' => "\\\"",
                    '\\' => "\\\\",
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    '\b' => "\\b",
                    '\f' => "\\f",
                    < ' ' => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)one:x4}"),
                    _ => one.ToString(),
                },
                text.Foreign[at]);
        }

        _written.Append("\"");
    }
}
