using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// Reads the keys of one section. Every method names a key, the value that fills it in where the file is silent, what is
/// accepted, and what the key means; that one line per key is the whole schema: errors, templates and the resolved
/// configuration come from it.
/// </summary>
internal sealed class SectionReader
{
    private readonly ConfigReading _reading;
    private readonly YamlMapping? _mapping;
    private readonly List<string> _known = [];

    private readonly bool _isItem;

    public SectionReader(ConfigReading reading, YamlMapping? mapping, string path, bool isItem = false)
    {
        _reading = reading;
        _mapping = mapping;
        _isItem = isItem;
        Path = path;
    }

    /// <summary>Full path of the section; empty for the top level.</summary>
    public string Path { get; }

    /// <summary>Whether the file states that key of this section.</summary>
    public bool States(string key) => _mapping?.Find(key) is not null;

    /// <summary>A whole number of at most 2^31 − 1.</summary>
    public int Count(string key, int filled, Bounds bounds, string summary) => (int)Long(key, filled, bounds, summary);

    /// <summary>A whole number.</summary>
    public long Long(string key, long filled, Bounds bounds, string summary)
    {
        long value = filled;
        if (Scalar(key, bounds.ToString()) is { } scalar)
        {
            if (scalar.IsPlain && NumberText.TryWhole(scalar.Text, out long stated) && bounds.Contain(stated))
            {
                value = stated;
            }
            else
            {
                Wrong(key, scalar, bounds.ToString());
            }
        }

        Keep(key, ConfigYaml.Of(NumberText.Of(value)), summary);
        return value;
    }

    /// <summary>A whole number of at most 2^31 − 1, or a word, which is null (as <c>null</c> and nothing at all are, which is what stored configurations say).</summary>
    public int? CountOrWord(string key, int? filled, Bounds bounds, string word, string summary)
    {
        string expected = $"{word}, or {bounds}";
        int? value = filled;
        if (Scalar(key, expected) is { } scalar)
        {
            if (scalar.IsEmpty || (scalar.IsPlain && scalar.Text == word))
            {
                value = null;
            }
            else if (scalar.IsPlain && NumberText.TryWhole(scalar.Text, out long stated) && bounds.Contain(stated))
            {
                value = (int)stated;
            }
            else
            {
                Wrong(key, scalar, expected);
            }
        }

        Keep(key, ConfigYaml.Of(value is { } number ? NumberText.Of((long)number) : word), summary);
        return value;
    }

    /// <summary>A list of at most 100 different whole numbers, all multiples of <paramref name="unit"/>.</summary>
    public ImmutableArray<int> Counts(string key, ImmutableArray<int> filled, Bounds bounds, int unit, string summary)
    {
        const int most = 100;
        string expected = $"a list of at most {most} different multiples of {unit}, each {bounds}";
        ImmutableArray<int> values = filled;
        if (Value(key) is { } value)
        {
            List<int> stated = [];
            foreach (YamlValue item in value is YamlSequence { Items.Length: <= most } list ? list.Items : [])
            {
                if (item is YamlScalar { IsPlain: true } scalar && NumberText.TryWhole(scalar.Text, out long number)
                    && bounds.Contain(number) && number % unit == 0 && !stated.Contains((int)number))
                {
                    stated.Add((int)number);
                }
                else
                {
                    Wrong(key, item, expected);
                }
            }

            if (value is not YamlSequence { Items.Length: <= most })
            {
                Wrong(key, value, expected);
            }

            values = [.. stated];
        }

        Keep(key, ConfigYaml.Of($"[{string.Join(", ", values.Select(number => NumberText.Of((long)number)))}]"), summary);
        return values;
    }

    /// <summary>A real number.</summary>
    public double Number(string key, double filled, Interval interval, string summary)
    {
        double value = filled;
        if (Scalar(key, interval.ToString()) is { } scalar)
        {
            if (scalar.IsPlain && NumberText.TryReal(scalar.Text, out double stated) && interval.Contain(stated))
            {
                value = stated;
            }
            else
            {
                Wrong(key, scalar, interval.ToString());
            }
        }

        Keep(key, ConfigYaml.Of(NumberText.Of(value)), summary);
        return value;
    }

    /// <summary>A real number, or <c>none</c> (as <c>null</c> and nothing at all, which is what stored configurations say).</summary>
    public double? OptionalNumber(string key, double? filled, Interval interval, string summary)
    {
        const string none = "none";
        string expected = $"{none}, or {interval}";
        double? value = filled;
        if (Scalar(key, expected) is { } scalar)
        {
            if (scalar.IsEmpty || (scalar.IsPlain && scalar.Text == none))
            {
                value = null;
            }
            else if (scalar.IsPlain && NumberText.TryReal(scalar.Text, out double stated) && interval.Contain(stated))
            {
                value = stated;
            }
            else
            {
                Wrong(key, scalar, expected);
            }
        }

        Keep(key, ConfigYaml.Of(value is { } number ? NumberText.Of(number) : none), summary);
        return value;
    }

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public bool Flag(string key, bool filled, string summary)
    {
        const string expected = "true or false";
        bool value = filled;
        if (Scalar(key, expected) is { } scalar)
        {
            if (scalar is { IsPlain: true, Text: "true" or "false" })
            {
                value = scalar.Text == "true";
            }
            else
            {
                Wrong(key, scalar, expected);
            }
        }

        Keep(key, ConfigYaml.Of(value ? "true" : "false"), summary);
        return value;
    }

    /// <summary>A word of an enumeration.</summary>
    public T Word<T>(string key, T filled, string summary) where T : struct, Enum
    {
        string expected = "one of: " + string.Join(", ", Words<T>.All);
        T value = filled;
        if (Scalar(key, expected) is { } scalar)
        {
            if (Words<T>.TryParse(scalar.Text, out T stated))
            {
                value = stated;
            }
            else
            {
                Wrong(key, scalar, expected, NearestKey.To(scalar.Text, Words<T>.All));
            }
        }

        Keep(key, ConfigYaml.Of(Words<T>.Of(value)), summary);
        return value;
    }

    /// <summary>A text that <paramref name="accepts"/>; <c>null</c> may be stated where null is also what fills it in.</summary>
    public string? Text(string key, string? filled, Func<string, bool> accepts, string expected, string summary)
    {
        string? value = filled;
        if (Scalar(key, expected) is { } scalar && !(scalar.IsEmpty && filled is null))
        {
            if (!scalar.IsEmpty && accepts(scalar.Text))
            {
                value = scalar.Text;
            }
            else
            {
                Wrong(key, scalar, expected);
            }
        }

        Keep(key, ConfigYaml.Of(value is null ? "null" : YamlText.Quote(value)), summary);
        return value;
    }

    /// <summary>A list of whole numbers, ascending, each once; empty where the file is silent.</summary>
    public ImmutableArray<int> WholeNumbers(string key, Bounds bounds, string summary)
    {
        string expected = $"a list such as [1, 4], ascending, each {bounds}";
        ImmutableArray<int>.Builder numbers = ImmutableArray.CreateBuilder<int>();
        switch (Value(key))
        {
            case null:
                break;
            case YamlSequence list:
                foreach (YamlValue item in list.Items)
                {
                    if (item is YamlScalar { IsPlain: true } scalar && NumberText.TryWhole(scalar.Text, out long number)
                        && bounds.Contain(number) && (numbers.Count == 0 || number > numbers[^1]))
                    {
                        numbers.Add((int)number);
                    }
                    else
                    {
                        Wrong(key, item, expected);
                    }
                }

                break;
            case YamlValue other:
                Wrong(key, other, expected);
                break;
        }

        Keep(key, ConfigYaml.Of($"[{string.Join(", ", numbers)}]"), summary);
        return numbers.ToImmutable();
    }

    /// <summary>A key that means nothing here, and fills in nothing; that the file states it is for a rule to judge.</summary>
    public void Ignore(string key) => Value(key);

    /// <summary>The value of a key that the caller reads itself; null where the file is silent. Follow with <see cref="Keep"/>.</summary>
    public YamlValue? Value(string key)
    {
        _known.Add(key);
        if (_mapping?.Find(key) is not { } entry)
        {
            return null;
        }

        _reading.State(KeyPath.Of(Path, key), entry);
        return entry.Value;
    }

    /// <summary>A section below this one; a section without keys states nothing.</summary>
    public SectionReader Section(string key)
    {
        YamlValue? value = Value(key);
        string path = KeyPath.Of(Path, key);
        if (value is not (null or YamlMapping or YamlScalar { IsEmpty: true }))
        {
            Wrong(key, value, "a section of keys, indented below it");
        }

        return new SectionReader(_reading, value as YamlMapping, path);
    }

    /// <summary>An item of a list that has keys of its own. Its values are kept with the list, not one by one.</summary>
    public SectionReader Item(string key, YamlValue value)
    {
        if (value is not YamlMapping)
        {
            Wrong(key, value, "keys such as '{ blocks: 3, experts: 4 }'");
        }

        return new SectionReader(_reading, value as YamlMapping, KeyPath.Of(Path, key), isItem: true);
    }

    /// <summary>Reports that a value is not what the key accepts.</summary>
    public void Wrong(string key, YamlValue value, string expected, string? nearest = null)
    {
        string hint = nearest is null ? "" : $" Did you mean '{nearest}'?";
        _reading.Errors.Add(value.Line, value.Column, KeyPath.Of(Path, key), $"found {value.Found}, expected {expected}.{hint}");
    }

    /// <summary>Reports a stated key that contradicts another of its section.</summary>
    public void Conflict(string key, string problem)
    {
        YamlEntry? entry = _mapping?.Find(key);
        _reading.Errors.Add(entry?.Line ?? 0, entry?.Column ?? 0, KeyPath.Of(Path, key), problem);
    }

    /// <summary>Reports that a key must be stated.</summary>
    public void Missing(string key, string expected)
    {
        (int line, int column) = _mapping is null ? _reading.PositionOf() : (_mapping.Line, _mapping.Column);
        _reading.Errors.Add(line, column, KeyPath.Of(Path, key), $"missing; expected {expected}.");
    }

    /// <summary>Writes down the value that a key ends with.</summary>
    public void Keep(string key, ConfigYaml yaml, string summary)
    {
        if (!_isItem)
        {
            ConfigOrigin origin = States(key) ? ConfigOrigin.Stated : ConfigOrigin.Filled;
            _reading.Add(new ConfigValue(KeyPath.Of(Path, key), yaml, origin, summary));
        }
    }

    /// <summary>Ends the section: keys that nobody asked for are unknown.</summary>
    public void Finish()
    {
        foreach (YamlEntry entry in _mapping?.Entries ?? [])
        {
            if (!_known.Contains(entry.Key))
            {
                _reading.AddUnknown(entry, Path, _known);
            }
        }
    }

    private YamlScalar? Scalar(string key, string expected)
    {
        YamlValue? value = Value(key);
        if (value is not (null or YamlScalar))
        {
            Wrong(key, value, expected);
        }

        return value as YamlScalar;
    }
}
