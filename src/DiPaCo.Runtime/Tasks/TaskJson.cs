using System.Text.Json;
using System.Text.Json.Serialization;

namespace DiPaCo.Runtime.Tasks;

/// <summary>The one way in which task specifications and their metrics become JSON: properties in order of declaration, no white space.</summary>
public static class TaskJson
{
    /// <summary>Shared options: camel-case names, enums as words.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>Serializes by the value's own type, not its declared one.</summary>
    public static byte[] SerializeToUtf8Bytes(object value) => JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), Options);

    private static JsonSerializerOptions Create()
    {
        JsonSerializerOptions options = new(JsonSerializerDefaults.General)
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            RespectRequiredConstructorParameters = true,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
