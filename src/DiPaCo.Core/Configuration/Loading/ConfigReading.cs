namespace DiPaCo.Core.Configuration;

/// <summary>One pass over a configuration file: its errors, the values that it ends with, and where each key stands.</summary>
/// <param name="errors">Takes its errors.</param>
/// <param name="judged">
/// The part of the file whose keys must have an effect; null: all of it. Of an experiment that is what a row states itself: what is common to all rows may be idle in
/// one of them.
/// </param>
internal sealed class ConfigReading(ErrorList errors, YamlMapping? judged = null)
{
    private readonly List<ConfigValue> _values = [];
    private readonly List<(YamlEntry Entry, string Section, IReadOnlyList<string> Known)> _unknown = [];
    private readonly Dictionary<string, YamlEntry> _stated = new(StringComparer.Ordinal);

    public ErrorList Errors { get; } = errors;

    public IReadOnlyList<ConfigValue> Values => _values;

    public void Add(ConfigValue value) => _values.Add(value);

    public void State(string key, YamlEntry entry) => _stated[key] = entry;

    public bool IsStated(string key) => _stated.ContainsKey(key);

    /// <summary>Whether the file states a key of a section where it must have an effect.</summary>
    public bool IsJudged(string key) => IsStated(key)
        && (judged is null || (judged.Find(KeyPath.SectionOf(key))?.Value is YamlMapping section && section.Find(KeyPath.LastOf(key)) is not null));

    /// <summary>The position of the first of the keys that the file states; of <c>size</c>, which filled them all in, otherwise.</summary>
    public (int Line, int Column) PositionOf(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            if (_stated.TryGetValue(key, out YamlEntry? entry))
            {
                return (entry.Value.Line, entry.Value.Column);
            }
        }

        return _stated.TryGetValue("size", out YamlEntry? size) ? (size.Value.Line, size.Value.Column) : (1, 1);
    }

    /// <summary>Keeps an unknown key until all keys are known, so that one in the wrong section is recognised.</summary>
    public void AddUnknown(YamlEntry entry, string section, IReadOnlyList<string> known) => _unknown.Add((entry, section, known));

    /// <summary>Reports the unknown keys, each with the nearest valid one.</summary>
    public void ReportUnknown()
    {
        foreach ((YamlEntry entry, string section, IReadOnlyList<string> known) in _unknown)
        {
            Errors.Add(entry.Line, entry.Column, KeyPath.Of(section, entry.Key), $"unknown key (found {entry.Value.Found}). {HintFor(entry.Key, section, known)}");
        }
    }

    private string HintFor(string key, string section, IReadOnlyList<string> known)
    {
        string? elsewhere = _values.Select(value => value.Key).FirstOrDefault(path => KeyPath.LastOf(path) == key);
        if (elsewhere is not null)
        {
            string home = KeyPath.SectionOf(elsewhere);
            return home.Length == 0 ? $"It belongs at the top level: '{key}'." : $"It belongs in the section '{home}': '{elsewhere}'.";
        }

        if (LevelReader.Keys.Contains(key))
        {
            return $"It belongs to an item of 'topology.levels', such as '- {{ {key}: … }}'.";
        }

        if (StageReader.Keys.Contains(key))
        {
            return $"It belongs to an item of 'recipe.stages', such as '- {{ {key}: … }}'.";
        }

        string place = section.Length == 0 ? "at the top level" : $"in '{section}'";
        return NearestKey.To(key, known) is string nearest
            ? $"Did you mean '{nearest}'?"
            : $"The keys {place} are: {string.Join(", ", known)}.";
    }
}
