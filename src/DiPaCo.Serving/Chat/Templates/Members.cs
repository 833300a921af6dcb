namespace DiPaCo.Serving.Chat.Templates;

/// <summary>Members, items and parts of values.</summary>
internal static class Members
{
    /// <summary>The member of a name: a method, or the value of a key.</summary>
    public static Value Get(Value of, string name, int line) => of switch
    {
        Value.Undefined undefined => throw new TemplateException(line, $"'{undefined.Name}' is undefined, and '{name}' of it is asked for."),
        Value.Map { IsNamespace: false } map => MapMethods.Find(map, name) ?? map.Find(name),
        Value.Map map => map.Find(name),
        Value.Loop loop => loop.Find(name),
        Value.Text text => TextMethods.Find(text.Marked, name) ?? new Value.Undefined(name),
        Value.List list => ListMethods.Find(list, name) ?? new Value.Undefined(name),
        _ => new Value.Undefined(name),
    };

    /// <summary>The value behind a path of members as filters take it: <c>a.b.0</c>. What is not there is undefined.</summary>
    public static Value AtPath(Value of, string path, int line)
    {
        foreach (string name in path.Split('.'))
        {
            of = of is Value.List && long.TryParse(name, out long index) ? Item(of, new Value.Integer(index), line)
                : of is Value.Map map ? map.Find(name)
                : of is Value.Undefined ? of
                : Get(of, name, line);
        }

        return of;
    }

    /// <summary>The item of a list or a text at a place, or of a map under a key.</summary>
    public static Value Item(Value of, Value index, int line, Budget? budget = null)
    {
        if (index is Value.Text sought && of is Value.Map)
        {
            budget?.Characters(line, sought.Marked.Length);
        }

        switch (of)
        {
            case Value.Undefined undefined:
                throw new TemplateException(line, $"'{undefined.Name}' is undefined, and an item of it is asked for.");
            case Value.Map map:
                return index is Value.Text key ? map.Find(key.String) : new Value.Undefined("item");
            case Value.Loop loop when index is Value.Text name:
                return loop.Find(name.String);
            case Value.List list when index is Value.Integer at:
                long place = at.Whole < 0 ? at.Whole + list.Items.Count : at.Whole;
                return place >= 0 && place < list.Items.Count ? list.Items[(int)place] : new Value.Undefined("item");
            case Value.Text text when index is Value.Integer at:
                place = at.Whole < 0 ? at.Whole + text.Marked.Length : at.Whole;
                return place >= 0 && place < text.Marked.Length ? new Value.Text(text.Marked.Slice((int)place, 1)) : new Value.Undefined("item");
            default:
                return new Value.Undefined("item");
        }
    }

    /// <summary>A part of a list or a text, as Python counts.</summary>
    public static Value Part(Value of, Value? start, Value? stop, Value? step, Budget budget, int line)
    {
        int length = of switch
        {
            Value.Text one => one.Marked.Length,
            Value.List one => one.Items.Count,
            Value.Undefined => 0,
            _ => throw new TemplateException(line, $"a part of {of.TypeName} is asked for; expected a list or a text."),
        };
        long stride = Bound(step, 1, line);
        if (stride == 0)
        {
            throw new TemplateException(line, "the step of a part is 0.");
        }

        (long low, long high) = stride > 0 ? (0L, (long)length) : (-1, length - 1);
        long from = Clamp(Bound(start, stride > 0 ? 0 : long.MaxValue, line), length, low, high, start is null);
        long to = Clamp(Bound(stop, stride > 0 ? long.MaxValue : long.MinValue, line), length, low, high, stop is null);
        if (of is Value.Text text && stride == 1)
        {
            budget.Characters(line, Math.Max(0, to - from));
            return new Value.Text(to > from ? text.Marked.Slice((int)from, (int)(to - from)) : MarkedText.Empty);
        }

        List<int> places = [];
        for (long at = from; stride > 0 ? at < to : at > to; at += stride)
        {
            budget.Step(line);
            places.Add((int)at);
            if (stride > length || stride < -length)
            {
                break;
            }
        }

        if (of is not Value.Text letters)
        {
            return new Value.List(of is Value.List list ? [.. places.Select(at => list.Items[at])] : []);
        }

        MarkedTextBuilder part = new();
        places.ForEach(at => part.Append(letters.Marked.Slice(at, 1)));
        return new Value.Text(part.Build());
    }

    /// <summary>What a loop goes over.</summary>
    public static IReadOnlyList<Value> Items(Value of, Budget budget, int line)
    {
        switch (of)
        {
            case Value.Undefined:
                return [];
            case Value.List list:
                budget.Step(line, list.Items.Count);
                return [.. list.Items];
            case Value.Map map:
                budget.Step(line, map.Entries.Count);
                return [.. map.Entries.Values.Select(entry => entry.Key)];
            case Value.Text text:
                budget.Step(line, text.Marked.Length);
                return [.. Enumerable.Range(0, text.Marked.Length).Select(at => new Value.Text(text.Marked.Slice(at, 1)))];
            default:
                throw new TemplateException(line, $"{of.TypeName} cannot be gone through; expected a list, a map or a text.");
        }
    }

    private static long Bound(Value? value, long otherwise, int line) => value switch
    {
        null or Value.None => otherwise,
        Value.Integer integer => integer.Whole,
        _ => throw new TemplateException(line, $"a bound of a part is {value.TypeName}; expected a whole number."),
    };

    private static long Clamp(long bound, int length, long low, long high, bool isOpen) =>
        Math.Clamp(bound < 0 && !isOpen ? Math.Max(bound, long.MinValue + length) + length : bound, low, high);
}
