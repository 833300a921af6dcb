using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary>
/// The fields of a request, read strictly: a wrong type, a number out of range, half a surrogate pair or an unknown field is an answer of 400 that
/// names the field.
/// </summary>
internal sealed class RequestBody
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16 };

    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);
    private readonly string _prefix;

    private RequestBody(JsonElement root, string prefix, IReadOnlySet<string>? known)
    {
        _prefix = prefix;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw Bad($"The {(prefix.Length == 0 ? "body" : prefix.TrimEnd('.'))} is {Kind(root)} where a JSON object was expected.", null);
        }

        foreach (JsonProperty property in root.EnumerateObject())
        {
            _fields[Text(() => property.Name, "a field's name")] = property.Value;
        }

        if (known is not null)
        {
            ThrowIfOthers(known);
        }
    }

    /// <summary>Reads the body of a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="known">The fields that it may have.</param>
    /// <param name="mostBytes">Most bytes that it may have.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<RequestBody> ReadAsync(HttpRequest request, IReadOnlySet<string> known, long mostBytes, CancellationToken cancellationToken)
    {
        if (!request.HasJsonContentType())
        {
            throw new ApiException(415, "The content type must be application/json.");
        }

        using MemoryStream bytes = await BytesOfAsync(request.Body, mostBytes, cancellationToken);
        try
        {
            return new RequestBody(JsonElement.Parse(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), Strict), "", known);
        }
        catch (JsonException exception)
        {
            throw Bad($"The body is not valid JSON: {exception.Message}", null);
        }
    }

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>A field as it is; null where it is missing or null.</summary>
    public JsonElement? Find(string name) => _fields.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A text; null where there is none.</summary>
    public string? String(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? TextOf(value, name) : throw Wrong(name, value, "a string");

    /// <summary>A truth value.</summary>
    public bool Flag(string name, bool otherwise = false) => Find(name) is not { } value ? otherwise : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, value, "true or false"),
    };

    /// <summary>A whole number.</summary>
    public long Integer(string name, long otherwise, long least, long most)
    {
        if (Find(name) is not { } value)
        {
            return otherwise;
        }

        string expected = string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}");
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= least && number <= most ? number : throw Wrong(name, value, expected);
    }

    /// <summary>A number.</summary>
    public double Number(string name, double otherwise, double least, double most)
    {
        if (Find(name) is not { } value)
        {
            return otherwise;
        }

        string expected = string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}");
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= least && number <= most ? number : throw Wrong(name, value, expected);
    }

    /// <summary>An object; null where there is none.</summary>
    public RequestBody? Object(string name, IReadOnlySet<string>? known) => Find(name) is { } value ? new RequestBody(value, $"{_prefix}{name}.", known) : null;

    /// <summary>A list of objects.</summary>
    /// <param name="name">The field.</param>
    /// <param name="known">The fields that each may have; null: any.</param>
    /// <param name="most">Most objects.</param>
    public IReadOnlyList<RequestBody> Objects(string name, IReadOnlySet<string>? known, int most)
    {
        if (Find(name) is not { } value)
        {
            throw Missing(name);
        }

        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() is 0)
        {
            throw Wrong(name, value, "a list of at least one object");
        }

        return value.GetArrayLength() > most ? throw Bad($"'{_prefix}{name}' has {value.GetArrayLength()} entries; at most {most} are taken.", _prefix + name)
            : [.. value.EnumerateArray().Select((one, at) => new RequestBody(one, string.Create(CultureInfo.InvariantCulture, $"{_prefix}{name}[{at}]."), known))];
    }

    /// <summary>Refuses fields that are not among those that are known.</summary>
    public void ThrowIfOthers(IReadOnlySet<string> known)
    {
        if (_fields.Keys.FirstOrDefault(name => !known.Contains(name)) is { } other)
        {
            throw Bad($"The field '{_prefix}{Short(other)}' is not known here.", _prefix + Short(other));
        }
    }

    /// <summary>The error about a field that is missing.</summary>
    public ApiException Missing(string name) => Bad($"'{_prefix}{name}' is missing.", _prefix + name);

    /// <summary>The error about a field whose value has no meaning here.</summary>
    public ApiException Unsupported(string name, string reason) => Bad($"'{_prefix}{name}' is not supported: {reason}", _prefix + name);

    /// <summary>One text or several.</summary>
    /// <param name="name">The field.</param>
    /// <param name="most">Most texts.</param>
    public ImmutableArray<string> Strings(string name, int most)
    {
        if (Find(name) is not { } value)
        {
            return [];
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            return [TextOf(value, name)];
        }

        return value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= most && value.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(one => TextOf(one, name))]
            : throw Wrong(name, value, $"a string or a list of at most {most} strings");
    }

    /// <summary>The names and values of the fields.</summary>
    public IEnumerable<KeyValuePair<string, JsonElement>> Fields => _fields;

    /// <summary>The text of a string.</summary>
    public string TextOf(JsonElement value, string name) => Text(() => value.GetString()!, $"'{_prefix}{name}'", _prefix + name);

    /// <summary>An error about a field's type or range.</summary>
    public ApiException Wrong(string name, JsonElement value, string expected) =>
        Bad($"'{_prefix}{name}' is {Kind(value)} where {expected} was expected.", _prefix + name);

    /// <summary>An error about a field.</summary>
    public static ApiException Bad(string message, string? parameter, string? code = null) => new(400, message, parameter, code);

    private static async Task<MemoryStream> BytesOfAsync(Stream body, long most, CancellationToken cancellationToken)
    {
        MemoryStream kept = new();
        byte[] buffer = new byte[1 << 16];
        long length = 0;
        int read;
        while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            length += read;
            if (length <= most)
            {
                kept.Write(buffer, 0, read);
            }
        }

        return length <= most ? kept
            : throw new ApiException(413, string.Create(CultureInfo.InvariantCulture, $"The body has {length} bytes; this server takes at most {most}."), code: "body_too_large");
    }

    private static string Text(Func<string> read, string what, string? parameter = null)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            throw Bad($"The text of {what} is not Unicode: it has half a surrogate pair or bytes that are not UTF-8.", parameter);
        }
    }

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => $"the number {Short(value.GetRawText())}",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };

    private static string Short(string text) => text.Length <= 40 ? text : string.Concat(text.AsSpan(0, 40), "…");
}
