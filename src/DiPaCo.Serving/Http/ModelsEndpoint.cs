using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Serving.Models;
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
        foreach ((string name, LiveModel model, PathId? path) in state.Names.All())
        {
            Write(json, name, model, path);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>Describes one model.</summary>
    public static Task OneAsync(HttpContext context, ServingState state, string name) => state.Names.Find(name) is { } found
        ? Answer.WriteAsync(context.Response, json => Write(json, name, found.Model, found.Path))
        : throw state.Names.Unknown(name);

    private static void Write(Utf8JsonWriter json, string name, LiveModel model, PathId? path)
    {
        json.WriteStartObject();
        json.WriteString("id", name);
        json.WriteString("object", "model");
        json.WriteNumber("created", 0);
        json.WriteString("owned_by", "dipaco");
        json.WriteStartObject("dipaco");
        Answer.Model(json, model);
        json.WriteNumber("context", model.Context);
        if (path is { } one)
        {
            json.WriteNumber("path", one.Value);
            Answer.Experts(json, model.Grid.Topology, one);
        }
        else
        {
            json.WriteString("router", model.Router.Kind);
            json.WriteNumber("prefix_tokens", model.Description.PrefixTokens);
            json.WriteBoolean("token_router", !model.TokenRouters.IsEmpty);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
