using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary><c>POST /v1/embeddings</c>: the router's features of texts.</summary>
internal static class EmbeddingsEndpoint
{
    private static readonly FrozenSet<string> Known = FrozenSet.Create(StringComparer.Ordinal, "model", "input", "encoding_format", "dimensions", "user");

    /// <summary>Answers a request.</summary>
    public static async Task HandleAsync(HttpContext context, ServingState state)
    {
        using RequestTime time = new(context, state);
        RequestBody body = await RequestBody.ReadAsync(context.Request, Known, state.Limits.MaxBodyBytes, time.Token);
        (LiveModel model, _, string name) = state.Names.Find(body);
        if (model.Router.FeatureWidth == 0)
        {
            throw RequestBody.Bad($"The router of '{model.Description.Name}' ({model.Router.Kind}) looks at no features, so there are no embeddings.", "model");
        }

        bool base64 = body.String("encoding_format") switch
        {
            null or "float" => false,
            "base64" => true,
            string other => throw RequestBody.Bad($"'encoding_format' is '{(other.Length > 20 ? other[..20] : other)}'; float or base64 was expected.", "encoding_format"),
        };
        if (body.Integer("dimensions", model.Router.FeatureWidth, 1, int.MaxValue) != model.Router.FeatureWidth)
        {
            throw RequestBody.Bad($"'dimensions' must be {model.Router.FeatureWidth}: the features have that many numbers.", "dimensions");
        }

        ImmutableArray<PromptText> inputs = new PromptReader(model, state.Limits).Read(body, "input");
        GenerationEvent.Routed[] routed = await state.RouteAsync(model, [.. inputs.Select(input => RouteEndpoint.Prefix(model, input))], time.Token);
        await Answer.WriteAsync(context.Response, json =>
        {
            json.WriteStartObject();
            json.WriteString("object", "list");
            json.WriteString("model", name);
            json.WriteStartArray("data");
            for (int at = 0; at < routed.Length; at++)
            {
                json.WriteStartObject();
                json.WriteString("object", "embedding");
                json.WriteNumber("index", at);
                if (base64)
                {
                    json.WriteBase64String("embedding", MemoryMarshal.AsBytes(routed[at].Features.AsSpan()));
                }
                else
                {
                    json.WriteStartArray("embedding");
                    foreach (float feature in routed[at].Features)
                    {
                        Answer.Number(json, feature);
                    }

                    json.WriteEndArray();
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            Answer.Usage(json, inputs.Sum(input => RouteEndpoint.Prefix(model, input).Tokens.Length), null);
            Answer.Dipaco(json, routed[0].Model, routed.Length, at => Answer.Path(json, model.Grid.Topology, routed[at].Path, routed[at].Scores));
            json.WriteEndObject();
        });
    }
}
