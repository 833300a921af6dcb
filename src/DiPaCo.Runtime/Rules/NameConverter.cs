using System.Text.Json;
using System.Text.Json.Serialization;

namespace DiPaCo.Runtime.Rules;

/// <summary>Writes an id as its name, also where it is the key of a dictionary.</summary>
internal sealed class NameConverter<T>(Func<string, T> read, Func<T, string> write) : JsonConverter<T>
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Parse(reader.GetString());

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(write(value));

    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Parse(reader.GetString());

    public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WritePropertyName(write(value));

    private T Parse(string? text)
    {
        try
        {
            return read(text ?? throw new JsonException($"A {typeof(T).Name} is a string."));
        }
        catch (Exception exception) when (exception is FormatException or OverflowException)
        {
            throw new JsonException($"'{text}' is no {typeof(T).Name}.", exception);
        }
    }
}
