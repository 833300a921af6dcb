using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>The one way in which the states of the rules become JSON: camel-case names, enums as words, ids as their names, also as keys.</summary>
public static class RulesJson
{
    /// <summary>Shared options.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>A state as JSON.</summary>
    public static byte[] Write<T>(T state) => JsonSerializer.SerializeToUtf8Bytes(state, Options);

    /// <summary>A state from its JSON.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static T Read<T>(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize<T>(json, Options) ?? throw new JsonException($"'null' is no {typeof(T).Name}.");

    private static JsonSerializerOptions Create()
    {
        JsonSerializerOptions options = new(JsonSerializerDefaults.General)
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            RespectRequiredConstructorParameters = true,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            Converters =
            {
                new JsonStringEnumConverter(JsonNamingPolicy.CamelCase),
                new NameConverter<TaskKey>(text => new TaskKey(text), key => key.Hex),
                new NameConverter<RunId>(text => new RunId(text), run => run.Name),
                new NameConverter<WorkerId>(text => new WorkerId(text), worker => worker.Name),
                new NameConverter<TaskOwner>(text => new TaskOwner(text), owner => owner.Name),
                new NameConverter<ModuleId>(text => new ModuleId(text), module => module.Name),
                new NameConverter<PathId>(text => new PathId(int.Parse(text, CultureInfo.InvariantCulture)), path => path.ToString()),
                new NameConverter<Phase>(text => new Phase(int.Parse(text, CultureInfo.InvariantCulture)), phase => phase.ToString()),
                new NameConverter<LeaseNumber>(text => new LeaseNumber(long.Parse(text, CultureInfo.InvariantCulture)), lease => lease.ToString()),
            },
        };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
