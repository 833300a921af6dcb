using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>A value of a YAML file and where it begins, lines and columns counted from 1.</summary>
internal abstract record YamlValue(int Line, int Column)
{
    /// <summary>How an error message names the value that it found.</summary>
    public abstract string Found { get; }
}

/// <summary>A scalar; <paramref name="IsPlain"/> where it stands without quotes and may be a number or a word.</summary>
internal sealed record YamlScalar(string Text, bool IsPlain, int Line, int Column) : YamlValue(Line, Column)
{
    private const int LongestShown = 60;

    /// <summary>Whether nothing is written: <c>key:</c>, <c>key: ~</c> or <c>key: null</c>.</summary>
    public bool IsEmpty => IsPlain && Text is "" or "~" or "null";

    public override string Found => IsEmpty ? "nothing" : IsPlain ? $"'{Shortened}'" : $"the quoted text '{Shortened}'";

    private string Shortened => string.Concat(
        Text.Take(LongestShown).Select(character => char.IsControl(character) ? '\uFFFD' : character))
        + (Text.Length > LongestShown ? "…" : "");
}

/// <summary>A list.</summary>
internal sealed record YamlSequence(ImmutableArray<YamlValue> Items, int Line, int Column) : YamlValue(Line, Column)
{
    public override string Found => $"a list of {Items.Length}";
}

/// <summary>Keys and values in the order of the file; no key occurs twice.</summary>
internal sealed record YamlMapping(ImmutableArray<YamlEntry> Entries, int Line, int Column) : YamlValue(Line, Column)
{
    public override string Found => "a section of keys";

    /// <summary>The entry of that key, or null.</summary>
    public YamlEntry? Find(string key) => Entries.FirstOrDefault(entry => entry.Key == key);
}

/// <summary>One key with its value, and where the key stands.</summary>
internal sealed record YamlEntry(string Key, YamlValue Value, int Line, int Column);
