using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// Holds a stored configuration against the rules of configuration files: whoever can write into a run's folder must not be able to
/// ask for sizes that no file could. JSON is YAML; only levels and what they leave out are written differently.
/// </summary>
internal static class StoredConfig
{
    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Checks the canonical JSON of a configuration.</summary>
    /// <exception cref="DiPaCoException">A value is impossible; all such values are named.</exception>
    public static void Check(string json)
    {
        try
        {
            RunConfigLoader.ParseStored(ToYaml(JsonNode.Parse(json)!.AsObject()), "run.json");
        }
        catch (ConfigurationException exception)
        {
            throw new DiPaCoException(
                $"The stored configuration is not possible: {string.Join(" ", exception.Errors.Select(error => $"{error.Key}: {error.Problem}"))} "
                + "It is damaged or was written by another version; use the version that wrote it, or restore the run's folder from a copy.",
                exception);
        }
    }

    private static string ToYaml(JsonObject config)
    {
        JsonObject topology = config["topology"]!.AsObject();
        foreach (JsonNode? level in topology["levels"]!.AsArray())
        {
            Rewrite(level!.AsObject());
        }

        if (topology["paths"] is JsonArray { Count: 0 })
        {
            topology["paths"] = "all";
        }

        JsonObject tokenizer = config["tokenizer"]!.AsObject();
        if (tokenizer["file"] is not null)
        {
            tokenizer.Remove("vocabulary");
            tokenizer.Remove("training_bytes");
        }

        return config.ToJsonString(Options);
    }

    private static void Rewrite(JsonObject level)
    {
        string? sharing = (string?)level["sharing"];
        level.Remove("sharing");
        if (sharing is "shared" or "private")
        {
            level[sharing] = true;
        }

        if (level["private_blocks"] is JsonArray { Count: 0 })
        {
            level.Remove("private_blocks");
        }
    }
}
