using System.Text.RegularExpressions;

namespace DiPaCo.Data;

/// <summary>The name of a type or member as XML documentation writes it: <c>M:System.String.Join(System.Char,System.String[])</c>.</summary>
/// <param name="Kind">T, M, P, F or E.</param>
/// <param name="Type">The full name of the (declaring) type.</param>
/// <param name="Signature">The member's own name with short parameter types; the type's short name for a type.</param>
internal sealed partial record ApiName(char Kind, string Type, string Signature)
{
    public string KindName => (Kind, Signature) switch
    {
        ('M', _) when Signature is "new" || Signature.StartsWith("new(", StringComparison.Ordinal) => "Constructor",
        ('M', _) => "Method",
        ('P', _) => "Property",
        ('F', _) => "Field",
        ('E', _) => "Event",
        _ => "Type",
    };

    public static ApiName? Parse(string? name)
    {
        if (name is null || name.Length < 3 || name[1] != ':' || "TMPFE".IndexOf(name[0], StringComparison.Ordinal) < 0)
        {
            return null;
        }

        string full = name[2..];
        if (name[0] == 'T')
        {
            return new ApiName('T', full, Readable(full[(full.LastIndexOf('.') + 1)..]));
        }

        int open = full.IndexOf('(', StringComparison.Ordinal);
        string path = open < 0 ? full : full[..open];
        int dot = path.LastIndexOf('.');
        if (dot <= 0)
        {
            return null;
        }

        string parameters = open < 0 ? "" : ShortTypes().Replace(full[open..], "$1");
        return new ApiName(name[0], path[..dot], Readable(path[(dot + 1)..] + parameters.Replace(",", ", ", StringComparison.Ordinal)));
    }

    /// <summary>A reference in running text: the short name, with the type for members.</summary>
    public static string Reference(string? cref)
    {
        string name = cref is { Length: > 2 } && cref[1] == ':' ? cref[2..] : cref ?? "";
        int open = name.IndexOf('(', StringComparison.Ordinal);
        string path = open < 0 ? name : name[..open];
        string[] segments = path.Split('.');
        bool member = cref is { Length: > 2 } && cref[0] != 'T' && cref[1] == ':' && segments.Length > 1;
        return Readable(member ? $"{segments[^2]}.{segments[^1]}" : segments[^1]);
    }

    /// <summary>The first segments of the namespace, the visible cluster of a type: two, or three below the largest ones.</summary>
    public static string Cluster(string type)
    {
        string[] segments = type.Split('.');
        int wanted = segments is ["Microsoft", ..] or ["System", "Runtime", ..] ? 3 : 2;
        return string.Join('.', segments[..Math.Clamp(segments.Length - 1, 1, wanted)]);
    }

    /// <summary>Drops the marks of generic arity, and writes by-reference and braces as C# does.</summary>
    public static string Readable(string name) => Arity().Replace(name, "")
        .Replace('{', '<').Replace('}', '>').Replace("@", "", StringComparison.Ordinal).Replace('#', '.').Replace(".ctor", "new", StringComparison.Ordinal);

    [GeneratedRegex(@"``?\d+")]
    private static partial Regex Arity();

    // The last segment of each dotted name inside a parameter list.
    [GeneratedRegex(@"(?:[A-Za-z_]\w*\.)+([A-Za-z_]\w*)")]
    private static partial Regex ShortTypes();
}
