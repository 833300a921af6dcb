using System.Globalization;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>Values as Python prints them, which is how Jinja does.</summary>
internal static class PythonText
{
    /// <summary>A value as text.</summary>
    public static MarkedText Of(Value value, Budget budget, int line)
    {
        if (value is Value.Text text)
        {
            return text.Marked;
        }

        if (value is Value.Undefined)
        {
            return MarkedText.Empty;
        }

        MarkedTextBuilder written = new();
        Write(written, value, budget, line);
        return written.Build();
    }

    /// <summary>A number as Python writes it.</summary>
    public static string Of(double number)
    {
        if (!double.IsFinite(number))
        {
            return double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        }

        string text = number.ToString("R", CultureInfo.InvariantCulture);
        int exponent = text.IndexOf('E', StringComparison.Ordinal);
        return exponent < 0 ? text.Contains('.', StringComparison.Ordinal) ? text : text + ".0"
            : $"{text[..exponent]}e{text[exponent + 1]}{text[(exponent + 2)..].PadLeft(2, '0')}";
    }

    private static void Write(MarkedTextBuilder written, Value value, Budget budget, int line)
    {
        budget.Step(line);
        budget.Enter(line);
        switch (value)
        {
            case Value.Undefined:
                written.Append("Undefined");
                break;
            case Value.None:
                written.Append("None");
                break;
            case Value.Truth truth:
                written.Append(truth.IsTrue ? "True" : "False");
                break;
            case Value.Integer integer:
                written.Append(integer.Whole.ToString(CultureInfo.InvariantCulture));
                break;
            case Value.Number number:
                written.Append(Of(number.Double));
                break;
            case Value.Text text:
                Quote(written, text.Marked, budget, line);
                break;
            case Value.List list:
                written.Append("[");
                for (int at = 0; at < list.Items.Count; at++)
                {
                    written.Append(at == 0 ? "" : ", ");
                    Write(written, list.Items[at], budget, line);
                }

                written.Append("]");
                break;
            case Value.Map map:
                written.Append("{");
                int entries = 0;
                foreach ((Value.Text key, Value entry) in map.Entries.Values)
                {
                    written.Append(entries++ == 0 ? "" : ", ");
                    Quote(written, key.Marked, budget, line);
                    written.Append(": ");
                    Write(written, entry, budget, line);
                }

                written.Append("}");
                break;
            default:
                throw new TemplateException(line, $"{value.TypeName} cannot be printed.");
        }

        budget.Leave();
    }

    private static void Quote(MarkedTextBuilder written, MarkedText text, Budget budget, int line)
    {
        budget.Characters(line, 2L * text.Length);
        char quote = text.Value.Contains('\'', StringComparison.Ordinal) && !text.Value.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        written.Append(quote.ToString());
        for (int at = 0; at < text.Length; at++)
        {
            char one = text.Value[at];
            written.Append(
                one == quote || one == '\\' ? $"\\{one}"
                : one == '\n' ? "\\n" : one == '\r' ? "\\r" : one == '\t' ? "\\t"
                : char.IsControl(one) ? string.Create(CultureInfo.InvariantCulture, $"\\x{(int)one:x2}")
                : one.ToString(),
                text.Foreign[at]);
        }

        written.Append(quote.ToString());
    }
}
