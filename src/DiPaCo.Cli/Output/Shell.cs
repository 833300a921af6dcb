namespace DiPaCo.Cli.Output;

/// <summary>Command lines that can be pasted.</summary>
internal static class Shell
{
    /// <summary>An argument, quoted where a shell would split or change it.</summary>
    public static string Quote(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=+,@%".Contains(c, StringComparison.Ordinal))
            ? argument
            : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>A whole command.</summary>
    public static string Command(IEnumerable<string> arguments) => string.Join(' ', arguments.Select(Quote));
}
