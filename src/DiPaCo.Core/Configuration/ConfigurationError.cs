namespace DiPaCo.Core.Configuration;

/// <summary>One mistake in a configuration file.</summary>
/// <param name="File">The file as the user named it.</param>
/// <param name="Line">Line from 1; 0 where the mistake is the file itself.</param>
/// <param name="Column">Column from 1; 0 where the mistake is the file itself.</param>
/// <param name="Key">The key's full path, for example <c>topology.levels[1].experts</c>; empty for the whole file.</param>
/// <param name="Problem">What was found, what was expected, and the remedy.</param>
public sealed record ConfigurationError(string File, int Line, int Column, string Key, string Problem)
{
    /// <summary><c>file:line:column: key: problem</c>.</summary>
    public override string ToString()
    {
        string place = Line > 0 ? $"{File}:{Line}:{Column}" : File;
        return Key.Length > 0 ? $"{place}: {Key}: {Problem}" : $"{place}: {Problem}";
    }
}
