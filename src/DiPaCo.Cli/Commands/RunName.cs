using DiPaCo.Core.Configuration;

namespace DiPaCo.Cli.Commands;

/// <summary>Names of runs, made of the names of files: without what a run's name must not contain.</summary>
internal static class RunName
{
    // What a configuration allows.
    private const int Longest = 100;

    /// <summary>The text as a name; <paramref name="otherwise"/> where nothing of it can stay, or too much would.</summary>
    public static string Of(string text, string otherwise)
    {
        string name = string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '-')).Trim('-', '.', '_');
        return name.Length is > 0 and <= Longest ? name : otherwise;
    }

    /// <summary>Of the demo: each size and each text is a run of its own, so that none stands in the way of another.</summary>
    /// <param name="size">The dial; null for small.</param>
    /// <param name="dataPaths">The user's own text; empty for the documentation.</param>
    public static string OfDemo(ModelSize? size, IReadOnlyList<string> dataPaths)
    {
        string demo = size is null or ModelSize.Small ? "demo" : $"demo-{size.Value.ToString().ToLowerInvariant()}";
        return dataPaths.Count == 0 ? demo : Of($"{demo}-{string.Join('-', dataPaths.Select(LastSegment))}", $"{demo}-text");
    }

    private static string LastSegment(string path) => Of(Path.GetFileName(Path.TrimEndingDirectorySeparator(path)), "text");
}
