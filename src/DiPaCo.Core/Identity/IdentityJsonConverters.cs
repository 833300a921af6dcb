using System.Text.Json;
using System.Text.Json.Serialization;

namespace DiPaCo.Core;

/// <summary>Writes a <see cref="PathId"/> as its number.</summary>
internal sealed class PathIdJsonConverter : JsonConverter<PathId>
{
    public override PathId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt32());

    public override void Write(Utf8JsonWriter writer, PathId value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}

/// <summary>Writes a <see cref="Phase"/> as its number.</summary>
internal sealed class PhaseJsonConverter : JsonConverter<Phase>
{
    public override Phase Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt32());

    public override void Write(Utf8JsonWriter writer, Phase value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}

/// <summary>Writes a <see cref="ModuleId"/> as its name.</summary>
internal sealed class ModuleIdJsonConverter : JsonConverter<ModuleId>
{
    public override ModuleId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        new(reader.GetString() ?? throw new JsonException("A module id is a string."));

    public override void Write(Utf8JsonWriter writer, ModuleId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Name);
}
