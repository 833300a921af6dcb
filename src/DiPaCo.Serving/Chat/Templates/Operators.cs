namespace DiPaCo.Serving.Chat.Templates;

/// <summary>Truth, equality, order and arithmetic, as in Python.</summary>
internal static class Operators
{
    // Two lists may each hold the other.
    private const int MostNested = 64;

    /// <summary>Whether a value counts as true.</summary>
    public static bool IsTrue(Value value) => value switch
    {
        Value.Undefined or Value.None => false,
        Value.Truth truth => truth.IsTrue,
        Value.Integer integer => integer.Whole != 0,
        Value.Number number => number.Double != 0,
        Value.Text text => text.String.Length > 0,
        Value.List list => list.Items.Count > 0,
        Value.Map map => map.IsNamespace || map.Entries.Count > 0,
        _ => true,
    };

    /// <summary>Whether two values are equal.</summary>
    public static bool AreEqual(Value left, Value right, Budget budget, int line, int depth = 0)
    {
        CountComparison(budget, line, depth);
        if (left is Value.Text first && right is Value.Text second)
        {
            budget.Characters(line, Math.Min(first.String.Length, second.String.Length));
            return first.String == second.String;
        }

        return (left, right) switch
        {
            (Value.Undefined, Value.Undefined) or (Value.None, Value.None) => true,
            (Value.List a, Value.List b) => a.Items.Count == b.Items.Count && a.Items.Zip(b.Items).All(pair => AreEqual(pair.First, pair.Second, budget, line, depth + 1)),
            (Value.Map { IsNamespace: false } a, Value.Map { IsNamespace: false } b) => a.Entries.Count == b.Entries.Count
                && a.Entries.All(entry => b.Entries.TryGetValue(entry.Key, out (Value.Text, Value Value) other) && AreEqual(entry.Value.Value, other.Value, budget, line, depth + 1)),
            _ => AsNumber(left) is { } x && AsNumber(right) is { } y ? x == y : ReferenceEquals(left, right),
        };
    }

    /// <summary>Which of two values comes first: below 0, 0 or above.</summary>
    public static int Compare(Value left, Value right, Budget budget, int line, int depth = 0)
    {
        CountComparison(budget, line, depth);
        if (left is Value.Text first && right is Value.Text second)
        {
            budget.Characters(line, Math.Min(first.String.Length, second.String.Length));
            return string.CompareOrdinal(first.String, second.String);
        }

        if (left is Value.List a && right is Value.List b)
        {
            return a.Items.Zip(b.Items).Select(pair => Compare(pair.First, pair.Second, budget, line, depth + 1)).FirstOrDefault(order => order != 0, a.Items.Count.CompareTo(b.Items.Count));
        }

        return AsNumber(left) is { } x && AsNumber(right) is { } y ? x.CompareTo(y)
            : throw new TemplateException(line, $"{left.TypeName} and {right.TypeName} have no order; expected two numbers or two texts.");
    }

    /// <summary>The result of a comparison.</summary>
    public static bool Compare(string sign, Value left, Value right, Budget budget, int line) => sign switch
    {
        "==" => AreEqual(left, right, budget, line),
        "!=" => !AreEqual(left, right, budget, line),
        "<" => Compare(left, right, budget, line) < 0,
        "<=" => Compare(left, right, budget, line) <= 0,
        ">" => Compare(left, right, budget, line) > 0,
        ">=" => Compare(left, right, budget, line) >= 0,
        "in" => Contains(right, left, budget, line),
        _ => !Contains(right, left, budget, line),
    };

    /// <summary>Whether a value is in a list, a key in a map, a text in a text.</summary>
    public static bool Contains(Value container, Value item, Budget budget, int line)
    {
        switch (container)
        {
            case Value.Text text when item is Value.Text part:
                budget.Search(line, text.String.Length, part.String.Length);
                return text.String.Contains(part.String, StringComparison.Ordinal);
            case Value.List list:
                return list.Items.Any(one => AreEqual(one, item, budget, line));
            case Value.Map map:
                budget.Step(line);
                return item is Value.Text key && budget.Looks(line, key.Marked.Length) && map.Entries.ContainsKey(key.String);
            case Value.Undefined:
                return false;
            default:
                throw new TemplateException(line, $"'in' looks for {item.TypeName} in {container.TypeName}; expected a list, a map, or a text in a text.");
        }
    }

    /// <summary>Arithmetic, and joining of texts and lists.</summary>
    public static Value Apply(string sign, Value left, Value right, Budget budget, int line)
    {
        switch (sign)
        {
            case "~":
                return Join(PythonText.Of(left, budget, line), PythonText.Of(right, budget, line), budget, line);
            case "+" when left is Value.Text first && right is Value.Text second:
                return Join(first.Marked, second.Marked, budget, line);
            case "+" when left is Value.List first && right is Value.List second:
                budget.Step(line, first.Items.Count + (long)second.Items.Count);
                return new Value.List([.. first.Items, .. second.Items]);
            case "*" when left is Value.Text or Value.List && right is Value.Integer times:
                return Repeat(left, times.Whole, budget, line);
            case "*" when right is Value.Text or Value.List && left is Value.Integer times:
                return Repeat(right, times.Whole, budget, line);
            default:
                break;
        }

        try
        {
            return (left, right) switch
            {
                (Value.Integer or Value.Truth, Value.Integer or Value.Truth) when sign != "/" => OfIntegers(sign, AsInteger(left), AsInteger(right), line),
                _ when AsNumber(left) is { } x && AsNumber(right) is { } y => new Value.Number(OfNumbers(sign, x, y, line)),
                _ => throw new TemplateException(line, $"'{sign}' stands between {left.TypeName} and {right.TypeName}; expected two numbers{(sign == "+" ? ", texts or lists" : "")}."),
            };
        }
        catch (OverflowException)
        {
            throw new TemplateException(line, $"the result of '{sign}' is too large a number.");
        }
    }

    /// <summary>A number as it counts in arithmetic; null: it is none.</summary>
    public static double? AsNumber(Value value) => value switch
    {
        Value.Integer integer => integer.Whole,
        Value.Number number => number.Double,
        Value.Truth truth => truth.IsTrue ? 1 : 0,
        _ => null,
    };

    private static long AsInteger(Value value) => value is Value.Integer integer ? integer.Whole : value is Value.Truth { IsTrue: true } ? 1 : 0;

    private static void CountComparison(Budget budget, int line, int depth)
    {
        budget.Step(line);
        if (depth > MostNested)
        {
            throw new TemplateException(line, $"values are compared that are nested more than {MostNested} deep.");
        }
    }

    private static Value.Text Join(MarkedText left, MarkedText right, Budget budget, int line)
    {
        budget.Characters(line, left.Length + (long)right.Length);
        return new Value.Text(new MarkedTextBuilder().Append(left).Append(right).Build());
    }

    private static Value Repeat(Value value, long times, Budget budget, int line)
    {
        times = Math.Clamp(times, 0, int.MaxValue);
        if (value is Value.Text text)
        {
            budget.Characters(line, text.String.Length * times);
            budget.Step(line, times);
            MarkedTextBuilder repeated = new();
            for (long at = 0; at < times; at++)
            {
                repeated.Append(text.Marked);
            }

            return new Value.Text(repeated.Build());
        }

        List<Value> items = ((Value.List)value).Items;
        budget.Step(line, (items.Count + 1) * times);
        return new Value.List([.. Enumerable.Repeat(items, (int)times).SelectMany(all => all)]);
    }

    private static Value OfIntegers(string sign, long x, long y, int line)
    {
        checked
        {
            switch (sign)
            {
                case "+":
                    return new Value.Integer(x + y);
                case "-":
                    return new Value.Integer(x - y);
                case "*":
                    return new Value.Integer(x * y);
                case "//" when y != 0:
                    return new Value.Integer((x / y) - (x % y != 0 && (x % y < 0) != (y < 0) ? 1 : 0));
                case "%" when y == -1:
                    return new Value.Integer(0);
                case "%" when y != 0:
                    return new Value.Integer((x % y) + (x % y != 0 && (x % y < 0) != (y < 0) ? y : 0));
                case "**" when y is >= 0 and <= 64:
                    long power = 1;
                    for (long at = 0; at < y; at++)
                    {
                        power *= x;
                    }

                    return new Value.Integer(power);
                case "**":
                    return new Value.Number(Math.Pow(x, y));
                default:
                    throw new TemplateException(line, "a division by 0.");
            }
        }
    }

    private static double OfNumbers(string sign, double x, double y, int line) => sign switch
    {
        "+" => x + y,
        "-" => x - y,
        "*" => x * y,
        "**" => Math.Pow(x, y),
        _ when y == 0 => throw new TemplateException(line, "a division by 0."),
        "/" => x / y,
        "//" => Math.Floor(x / y),
        _ => x - (Math.Floor(x / y) * y),
    };
}
