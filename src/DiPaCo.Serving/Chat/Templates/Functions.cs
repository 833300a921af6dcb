using System.Globalization;
using System.Text;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>The functions that every template can call.</summary>
internal static class Functions
{
    /// <summary>Makes them known.</summary>
    /// <param name="scope">Where.</param>
    /// <param name="time">What <c>strftime_now</c> asks.</param>
    public static void AddTo(Scope scope, TimeProvider time)
    {
        Add("range", Range);
        Add("namespace", call => Filled(new Value.Map(isNamespace: true), call));
        Add("dict", call => Filled(new Value.Map(), call));
        Add("raise_exception", call => throw TemplateException.Raised(PythonText.Of(call.Get(0, "message"), call.Budget, call.Line).Value));
        Add("strftime_now", call => Value.Of(Format(call.Text(0, "format").Value, time.GetLocalNow(), call)));

        void Add(string name, Func<Arguments, Value> call) => scope.Set(name, new Value.Function(name, call));
    }

    private static Value.List Range(Arguments call)
    {
        long first = call.Integer(0, "start", 0);
        (long start, long stop) = call.Count > 1 ? (first, call.Integer(1, "stop", 0)) : (0, first);
        long step = call.Integer(2, "step", 1);
        if (step == 0)
        {
            throw call.Wrong("the step is 0.");
        }

        List<Value> numbers = [];
        for (Int128 number = start; step > 0 ? number < stop : number > stop; number += step)
        {
            call.Budget.Step(call.Line);
            numbers.Add(new Value.Integer((long)number));
        }

        return new Value.List(numbers);
    }

    private static Value.Map Filled(Value.Map map, Arguments call)
    {
        if (call.Count > 0 && call[0] is Value.Map from)
        {
            call.Budget.Step(call.Line, from.Entries.Count);
            foreach ((Value.Text key, Value value) in from.Entries.Values)
            {
                map.Set(key, value);
            }
        }

        foreach ((string name, Value value) in call.Named)
        {
            map.Set(name, value);
        }

        return map;
    }

    /// <summary>A time in the words of C's strftime, in English.</summary>
    private static string Format(string format, DateTimeOffset now, Arguments call)
    {
        StringBuilder text = new();
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                text.Append(format[at]);
                continue;
            }

            // %-d is %d without zeros in front.
            bool isShort = format[at + 1] == '-' && at + 2 < format.Length;
            at += isShort ? 2 : 1;
            string field = format[at] switch
            {
                'Y' => Of("yyyy"),
                'y' => Of("yy"),
                'm' => Of("MM"),
                'd' => Of("dd"),
                'e' => now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
                'H' => Of("HH"),
                'I' => Of("hh"),
                'M' => Of("mm"),
                'S' => Of("ss"),
                'p' => now.Hour < 12 ? "AM" : "PM",
                'B' => Of("MMMM"),
                'b' or 'h' => Of("MMM"),
                'A' => Of("dddd"),
                'a' => Of("ddd"),
                'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
                'F' => Of("yyyy-MM-dd"),
                'T' => Of("HH:mm:ss"),
                'D' => Of("MM/dd/yy"),
                'Z' or 'z' => Of("zzz").Replace(":", "", StringComparison.Ordinal),
                'n' => "\n",
                '%' => "%",
                char other => throw call.Wrong($"'%{other}' is no part of a time that is known here."),
            };
            text.Append(isShort ? field.TrimStart('0', ' ') is { Length: > 0 } rest ? rest : "0" : field);
        }

        return text.ToString();

        string Of(string pattern) => now.ToString(pattern, CultureInfo.InvariantCulture);
    }
}
