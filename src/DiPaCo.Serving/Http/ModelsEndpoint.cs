using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary><c>GET /v1/models</c>: the run, and each of its paths.</summary>
internal static class ModelsEndpoint
{
    /// <summary>Lists all models.</summary>
    public static Task ListAsync(HttpContext context, ServingState state) => Answer.WriteAsync(context.Response, json =>
    {
        json.WriteStartObject();
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        foreach (string name in state.Names.All())
        {
            Write(json, name);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>Describes one model.</summary>
    public static Task OneAsync(HttpContext context, ServingState state, string name) => state.Names.Exists(name)
        ? Answer.WriteAsync(context.Response, json => Write(json, name))
        : throw state.Names.Unknown(name);

    private static void Write(Utf8JsonWriter json, string name)
    {
        json.WriteStartObject();
        json.WriteString("id", name);
        json.WriteString("object", "model");
        json.WriteNumber("created", 0);
        json.WriteString("owned_by", "dipaco");
        json.WriteEndObject();
    }
}
