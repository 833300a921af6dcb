namespace DiPaCo.Core.Configuration;

/// <summary>Full paths of keys: <c>section.key</c>.</summary>
internal static class KeyPath
{
    public static string Of(string section, string key) => section.Length == 0 ? key : $"{section}.{key}";

    /// <summary>The last part of a full path.</summary>
    public static string LastOf(string path) => path[(path.LastIndexOf('.') + 1)..];

    /// <summary>Everything before the last part; empty for a key of the top level.</summary>
    public static string SectionOf(string path) => path.LastIndexOf('.') is int dot and >= 0 ? path[..dot] : "";
}
