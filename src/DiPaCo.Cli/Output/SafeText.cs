namespace DiPaCo.Cli.Output;

/// <summary>Text of foreign origin (corpus, file names, configuration) for a terminal.</summary>
internal static class SafeText
{
    /// <summary>Replaces control characters, which a terminal would obey, except line ends and tabs.</summary>
    public static string Of(string text) => string.Create(text.Length, text, static (span, source) =>
    {
        for (int i = 0; i < span.Length; i++)
        {
            char c = source[i];
            span[i] = char.IsControl(c) && c is not ('\n' or '\t') ? '\uFFFD' : c;
        }
    });

    /// <summary>The same on one line of at most <paramref name="length"/> characters.</summary>
    public static string OneLine(string text, int length)
    {
        string line = Of(text).ReplaceLineEndings(" ").Replace('\t', ' ').Trim();
        return line.Length <= length ? line : $"{line[..(length - 1)].TrimEnd()}…";
    }
}
