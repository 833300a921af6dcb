using System.Buffers;
using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>One spelling per JSON value: no white space, keys in ordinal order, numbers as they are written.</summary>
public static class CanonicalJson
{
    /// <summary>The value's bytes.</summary>
    public static byte[] Serialize(JsonElement value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            Write(json, value);
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The SHA-256 of the value's bytes.</summary>
    public static BlobHash Hash(JsonElement value) => BlobHash.Of(Serialize(value));

    private static void Write(Utf8JsonWriter json, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (JsonProperty property in value.EnumerateObject().OrderBy(property => property.Name, StringComparer.Ordinal))
                {
                    json.WritePropertyName(property.Name);
                    Write(json, property.Value);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }
}
