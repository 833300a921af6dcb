using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
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
                Answer.Path(json, model.Grid.Topology, routed[at].Path, scores);
                json.WriteStartArray("paths");
                foreach (PathId path in model.Router.Paths)
                {
                    json.WriteNumberValue(path.Value);
                }

                json.WriteEndArray();
                json.WriteString("router", model.Router.Kind);
                PromptText prefix = Prefix(model, inputs[at]);
                json.WriteNumber("prefix_tokens", prefix.Tokens.Length);
                json.WriteString("prefix", model.Tokenizer.Decode(prefix.Tokens.AsSpan()[prefix.Hidden..]));
                WriteRunnerUp(json, model.Router.Paths, routed[at]);
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

    /// <summary>The path with the next score, and how far it lies behind; null where there is one path only.</summary>
    private static void WriteRunnerUp(Utf8JsonWriter json, ImmutableArray<PathId> paths, GenerationEvent.Routed routed)
    {
        if (paths.Length < 2)
        {
            json.WriteNull("runner_up");
            json.WriteNull("margin");
            return;
        }

        int best = paths.IndexOf(routed.Path);
        int next = Enumerable.Range(0, paths.Length).Where(at => at != best).MaxBy(at => routed.Scores[at]);
        json.WriteNumber("runner_up", paths[next].Value);
        json.WritePropertyName("margin");
        Answer.Number(json, routed.Scores[best] - routed.Scores[next]);
    }

    /// <summary>What the router looks at of a text.</summary>
    public static PromptText Prefix(LiveModel model, PromptText input) =>
        input with { Tokens = input.Tokens[..Math.Max(1, Math.Min(input.Tokens.Length, model.Description.PrefixTokens))] };
}
