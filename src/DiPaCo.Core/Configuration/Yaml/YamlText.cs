using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace DiPaCo.Core.Configuration;

/// <summary>Writes strings as YAML that reads back as the same string.</summary>
internal static partial class YamlText
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly ImmutableArray<string> Reserved = ["true", "false", "null", "yes", "no", "on", "off"];

    /// <summary>Plain where that is safe, else in double quotes (YAML reads JSON's escapes).</summary>
    public static string Quote(string text) =>
        SafePlain.IsMatch(text) && !Reserved.Contains(text, StringComparer.OrdinalIgnoreCase)
            ? text
            : JsonSerializer.Serialize(text, Readable);

    [GeneratedRegex(@"^[A-Za-z/][A-Za-z0-9_./-]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex SafePlain { get; }
}
