using System.Collections.Frozen;
using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary><c>POST /v1/route</c>: which path a text goes to, the scores of all paths, and what the router looked at.</summary>
internal static class RouteEndpoint
{
    private static readonly FrozenSet<string> Known = FrozenSet.Create(StringComparer.Ordinal, "model", "input", "user");

    /// <summary>Answers a request.</summary>
    public static async Task HandleAsync(HttpContext context, ServingState state)
    {
        using RequestTime time = new(context, state);
        RequestBody body = await RequestBody.ReadAsync(context.Request, Known, state.Limits.MaxBodyBytes, time.Token);
        (LiveModel model, _, string name) = state.Names.Find(body);
        ImmutableArray<PromptText> inputs = new PromptReader(model, state.Limits).Read(body, "input");
        GenerationEvent.Routed[] routed = await state.RouteAsync(model, [.. inputs.Select(input => Prefix(model, input))], time.Token);
        await Answer.WriteAsync(context.Response, json =>
        {
            json.WriteStartObject();
            json.WriteString("object", "list");
            json.WriteString("model", name);
            json.WriteStartArray("data");
            for (int at = 0; at < routed.Length; at++)
            {
                ImmutableArray<float> scores = routed[at].Scores;
                json.WriteStartObject();
                json.WriteString("object", "route");
                json.WriteNumber("index", at);
                json.WriteNumber("path", routed[at].Path.Value);
                Answer.Experts(json, model.Grid.Topology, routed[at].Path);
                json.WriteStartArray("paths");
                foreach (PathId path in model.Router.Paths)
                {
                    json.WriteNumberValue(path.Value);
                }

                json.WriteEndArray();
                Answer.Scores(json, scores);
                json.WriteString("router", model.Router.Kind);
                json.WriteNumber("prefix_tokens", Math.Min(inputs[at].Tokens.Length, model.Description.PrefixTokens));
                json.WritePropertyName("margin");
                Answer.Number(json, scores.Length < 2 ? double.NaN : scores.Max() - scores.OrderDescending().ElementAt(1));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            Answer.Usage(json, inputs.Sum(input => Prefix(model, input).Tokens.Length), null);
            json.WriteStartObject("dipaco");
            Answer.Model(json, routed[0].Model);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary>What the router looks at of a text.</summary>
    public static PromptText Prefix(LiveModel model, PromptText input) =>
        input with { Tokens = input.Tokens[..Math.Max(1, Math.Min(input.Tokens.Length, model.Description.PrefixTokens))] };
}
