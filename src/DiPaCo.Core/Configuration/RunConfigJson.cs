using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// The canonical JSON of a configuration, a run's identity: keys in the order of their declaration, snake_case names,
/// shortest round-trip numbers, line feeds. Equal configurations have equal bytes on every system.
/// </summary>
public static class RunConfigJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
    };

    /// <summary>
    /// Keys that may change while a run is in progress. <c>threads</c> reaches no byte. <c>device</c> names a place, and a run may move from
    /// one GPU to another, or from <c>auto</c> to what that was; but a GPU and a CPU round differently, so a run records the kind of
    /// device that it began on, and is refused on another.
    /// </summary>
    public static ImmutableArray<string> FreeKeys { get; } = ["device", "threads"];

    /// <summary>Writes the canonical JSON.</summary>
    public static string Serialize(RunConfig config) => JsonSerializer.Serialize(config, Options) + "\n";

    /// <summary>Reads what <see cref="Serialize"/> wrote, and checks it as a file is checked.</summary>
    /// <exception cref="DiPaCoException">The text is not the JSON of a configuration of this version, or a value in it is impossible.</exception>
    public static RunConfig Deserialize(string json)
    {
        try
        {
            RunConfig config = JsonSerializer.Deserialize<RunConfig>(json, Options)
                ?? throw new DiPaCoException("The stored configuration is 'null'; expected an object. Restore the run's folder from a copy.");
            StoredConfig.Check(json);
            return config;
        }
        catch (JsonException exception)
        {
            throw new DiPaCoException(
                $"The stored configuration cannot be read: {exception.Message} It is damaged or was written by another version; use the version that wrote it, or restore the run's folder from a copy.",
                exception);
        }
    }
}
