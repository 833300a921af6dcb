namespace DiPaCo.Serving.Chat.Templates;

/// <summary>The methods of texts. What they make keeps the origin of every character.</summary>
internal static class TextMethods
{
    /// <summary>A method; null: there is none of that name.</summary>
    public static Value? Find(MarkedText text, string name)
    {
        Func<Arguments, Value>? method = name switch
        {
            "strip" => call => new Value.Text(Strip(text, call.FindText(0, "chars"), start: true, end: true, call)),
            "lstrip" => call => new Value.Text(Strip(text, call.FindText(0, "chars"), start: true, end: false, call)),
            "rstrip" => call => new Value.Text(Strip(text, call.FindText(0, "chars"), start: false, end: true, call)),
            "upper" => call => Mapped(text, call, value => value.ToUpperInvariant()),
            "lower" => call => Mapped(text, call, value => value.ToLowerInvariant()),
            "title" => call => Mapped(text, call, Title),
            "capitalize" => call => Mapped(text, call, Capitalize),
            "startswith" => call => Value.Of(Any(call, part => text.Value.StartsWith(part, StringComparison.Ordinal))),
            "endswith" => call => Value.Of(Any(call, part => text.Value.EndsWith(part, StringComparison.Ordinal))),
            "split" => call => Split(text, call),
            "splitlines" => call => new Value.List([.. Lines(text, call).Select(line => new Value.Text(line))]),
            "replace" => call => Replace(text, call),
            "join" => call => Join(text, Members.Items(call.Get(0, "values"), call.Budget, call.Line), call),
            "find" => call => new Value.Integer(IndexOf(text, call.Text(0, "text"), 0, call)),
            "count" => call => new Value.Integer(Places(text, call.Text(0, "text"), int.MaxValue, call).Count),
            _ => null,
        };
        return method is null ? null : new Value.Function(name, method);
    }

    /// <summary>The text without characters at its ends.</summary>
    /// <param name="text">The text.</param>
    /// <param name="characters">Which characters; null: white space.</param>
    /// <param name="start">Whether at its beginning.</param>
    /// <param name="end">Whether at its end.</param>
    /// <param name="call">The call.</param>
    public static MarkedText Strip(MarkedText text, MarkedText? characters, bool start, bool end, Arguments call)
    {
        call.Budget.Search(call.Line, text.Length, characters?.Length ?? 1);
        bool Goes(char one) => characters is null ? char.IsWhiteSpace(one) : characters.Value.Contains(one, StringComparison.Ordinal);
        (int from, int to) = (0, text.Length);
        while (start && from < to && Goes(text.Value[from]))
        {
            from++;
        }

        while (end && to > from && Goes(text.Value[to - 1]))
        {
            to--;
        }

        return text.Slice(from, to - from);
    }

    /// <summary>Other letters in the same places.</summary>
    public static Value.Text Mapped(MarkedText text, Arguments call, Func<string, string> map)
    {
        call.Budget.Characters(call.Line, text.Length);
        return new Value.Text(text.With(map(text.Value)));
    }

    /// <summary>A large letter first, small ones behind it.</summary>
    public static string Capitalize(string value) => value.Length == 0 ? value : char.ToUpperInvariant(value[0]) + value[1..].ToLowerInvariant();

    /// <summary>A large letter at the beginning of each word.</summary>
    public static string Title(string value) => string.Create(value.Length, value, (letters, from) =>
    {
        for (int at = 0; at < letters.Length; at++)
        {
            letters[at] = at > 0 && char.IsLetter(from[at - 1]) ? char.ToLowerInvariant(from[at]) : char.ToUpperInvariant(from[at]);
        }
    });

    /// <summary>The text with another in all places, or in the first of them, at which one stands.</summary>
    public static Value.Text Replace(MarkedText text, Arguments call)
    {
        (MarkedText old, MarkedText other) = (call.Text(0, "old"), call.Text(1, "new"));
        List<int> places = Places(text, old, (int)Math.Clamp(call.Integer(2, "count", int.MaxValue), -1, int.MaxValue) is var count and >= 0 ? count : int.MaxValue, call);
        call.Budget.Characters(call.Line, text.Length + ((long)other.Length * places.Count));
        MarkedTextBuilder replaced = new();
        int from = 0;
        foreach (int place in places)
        {
            replaced.Append(text.Slice(from, place - from)).Append(other);
            from = place + old.Length;
        }

        return new Value.Text(replaced.Append(text.Slice(from, text.Length - from)).Build());
    }

    /// <summary>Values with the text between them.</summary>
    public static Value.Text Join(MarkedText between, IReadOnlyList<Value> values, Arguments call)
    {
        MarkedTextBuilder joined = new();
        for (int at = 0; at < values.Count; at++)
        {
            MarkedText one = PythonText.Of(values[at], call.Budget, call.Line);
            call.Budget.Characters(call.Line, one.Length + (long)between.Length);
            joined.Append(at == 0 ? MarkedText.Empty : between).Append(one);
        }

        return new Value.Text(joined.Build());
    }

    /// <summary>The lines, without their ends.</summary>
    public static List<MarkedText> Lines(MarkedText text, Arguments call)
    {
        call.Budget.Characters(call.Line, text.Length);
        List<MarkedText> lines = [];
        int from = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (text.Value[at] is '\n' or '\r')
            {
                call.Budget.Step(call.Line);
                lines.Add(text.Slice(from, at - from));
                at += text.Value[at] == '\r' && at + 1 < text.Length && text.Value[at + 1] == '\n' ? 1 : 0;
                from = at + 1;
            }
        }

        if (from < text.Length)
        {
            lines.Add(text.Slice(from, text.Length - from));
        }

        return lines;
    }

    private static Value.List Split(MarkedText text, Arguments call)
    {
        long most = call.Integer(1, "maxsplit", -1);
        int cuts = most < 0 ? int.MaxValue : (int)Math.Min(most, int.MaxValue);
        List<Value> parts = [];
        if (call.FindText(0, "sep") is not { } separator)
        {
            SplitAtSpace(text, cuts, parts, call);
            return new Value.List(parts);
        }

        int from = 0;
        foreach (int place in Places(text, separator.Length > 0 ? separator : throw call.Wrong("the separator is empty."), cuts, call))
        {
            parts.Add(new Value.Text(text.Slice(from, place - from)));
            from = place + separator.Length;
        }

        parts.Add(new Value.Text(text.Slice(from, text.Length - from)));
        return new Value.List(parts);
    }

    private static void SplitAtSpace(MarkedText text, int cuts, List<Value> parts, Arguments call)
    {
        call.Budget.Characters(call.Line, text.Length);
        int at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text.Value[at]))
            {
                at++;
            }

            if (at == text.Length)
            {
                return;
            }

            call.Budget.Step(call.Line);
            int from = at;
            if (parts.Count == cuts)
            {
                parts.Add(new Value.Text(Strip(text.Slice(from, text.Length - from), null, start: false, end: true, call)));
                return;
            }

            while (at < text.Length && !char.IsWhiteSpace(text.Value[at]))
            {
                at++;
            }

            parts.Add(new Value.Text(text.Slice(from, at - from)));
        }
    }

    private static bool Any(Arguments call, Func<string, bool> holds)
    {
        Value given = call.Get(0, "text");
        return given is Value.List several ? several.Items.Any(one => one is Value.Text text && Holds(text.Marked)) : Holds(call.Text(0, "text"));

        bool Holds(MarkedText part)
        {
            call.Budget.Step(call.Line);
            call.Budget.Characters(call.Line, part.Length);
            return holds(part.Value);
        }
    }

    private static int IndexOf(MarkedText text, MarkedText part, int from, Arguments call)
    {
        call.Budget.Search(call.Line, text.Length - from, part.Length);
        return text.Value.IndexOf(part.Value, from, StringComparison.Ordinal);
    }

    private static List<int> Places(MarkedText text, MarkedText part, int most, Arguments call)
    {
        call.Budget.Search(call.Line, text.Length, part.Length);
        List<int> places = [];
        for (int at = 0; places.Count < most && at <= text.Length && (at = text.Value.IndexOf(part.Value, at, StringComparison.Ordinal)) >= 0; at += Math.Max(1, part.Length))
        {
            call.Budget.Step(call.Line);
            places.Add(at);
        }

        return places;
    }
}
