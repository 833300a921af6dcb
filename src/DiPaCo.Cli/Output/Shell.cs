namespace DiPaCo.Cli.Output;

/// <summary>Command lines that can be pasted.</summary>
internal static class Shell
{
    /// <summary>An argument, quoted where the system's shell would split or change it.</summary>
    public static string Quote(string argument) => Quote(argument, OperatingSystem.IsWindows());

    /// <summary>As for POSIX shells, or as for the two of Windows, where backslashes are common and only double quotes mean the same in both.</summary>
    internal static string Quote(string argument, bool windows)
    {
        string plain = windows ? "-_./:=+\\" : "-_./:=+,@%";
        return argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || plain.Contains(c, StringComparison.Ordinal)) ? argument
            : windows ? $"\"{argument.Replace("\"", "\\\"", StringComparison.Ordinal)}{(argument.EndsWith('\\') ? "\\" : "")}\""
            : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }

    /// <summary>A whole command.</summary>
    public static string Command(IEnumerable<string> arguments) => string.Join(' ', arguments.Select(Quote));
}
