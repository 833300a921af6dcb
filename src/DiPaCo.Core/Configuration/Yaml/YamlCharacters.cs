using System.Globalization;
using System.Text;

namespace DiPaCo.Core.Configuration;

/// <summary>Refuses characters that YAML does not allow (a parser may take the first of them for the end of the file).</summary>
internal static class YamlCharacters
{
    /// <summary>Adds an error for the first character that YAML does not allow, and returns whether there is none.</summary>
    public static bool Check(string text, ErrorList errors)
    {
        (int line, int column) = (1, 0);
        foreach (Rune rune in text.EnumerateRunes())
        {
            column++;
            if (rune.Value == '\n')
            {
                (line, column) = (line + 1, 0);
            }

            // An unpaired surrogate is enumerated as U+FFFD, which is allowed but never meant.
            bool allowed = rune.Value is '\t' or '\n' or '\r' or (>= ' ' and <= '~') or '\u0085' or (>= 0xA0 and <= 0xFFFC) or >= 0x10000;
            if (!allowed)
            {
                string code = rune.Value.ToString("X4", CultureInfo.InvariantCulture);
                errors.Add(line, column, "", $"the character U+{code} does not belong in a YAML file; remove it, or write it as an escape in double quotes.");
                return false;
            }
        }

        return true;
    }
}
