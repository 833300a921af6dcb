using System.Text.Json;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary><c>POST /v1/completions</c>.</summary>
internal static class CompletionEndpoint
{
    /// <summary>Answers a request.</summary>
    public static async Task HandleAsync(HttpContext context, ServingState state)
    {
        using RequestTime time = new(context, state);
        RequestBody body = await RequestBody.ReadAsync(context.Request, CompletionRequest.Fields, state.Limits.MaxBodyBytes, time.Token);
        await AnswerAsync(context, state, CompletionRequest.Of(body, state.Names, state.Limits), time);
    }

    /// <summary>Has the sequences of a request written, and answers as they come or when all are there.</summary>
    public static async Task AnswerAsync(HttpContext context, ServingState state, CompletionRequest request, RequestTime time)
    {
        (PromptText Prompt, GenerationRequest Request)[] sequences = [.. request.Sequences()];
        ChoiceLog[] choices = [.. sequences.Select((sequence, index) => new ChoiceLog(index, sequence.Prompt, request))];
        IReadOnlyList<GenerationHandle> handles = state.Submit([.. sequences.Select(sequence => sequence.Request)]);
        try
        {
            if (request.Stream)
            {
                await new CompletionStream(context.Response, request, state, choices).RunAsync(handles, time.Token);
            }
            else
            {
                await SequenceReading.ReadAllAsync(
                    handles,
                    (number, happened, _) =>
                    {
                        choices[number].Take(happened);
                        return ValueTask.CompletedTask;
                    },
                    time.Token);
                await Answer.WriteAsync(context.Response, json => Write(json, request, choices, Answer.NewId(request.Shape.IdKind), state.Now));
            }
        }
        finally
        {
            foreach (GenerationHandle handle in handles)
            {
                handle.Dispose();
            }
        }
    }

    /// <summary>Writes the <c>dipaco</c> object: the version of the model, and for every choice its path.</summary>
    public static void WriteRouting(Utf8JsonWriter json, LiveModel model, IReadOnlyList<ChoiceLog> choices) => Answer.Dipaco(
        json, choices[0].Routed?.Model ?? model, choices.Count, at => choices[at].WriteRouting(json, model.Grid.Topology));

    /// <summary>Writes what every object of an answer begins with.</summary>
    public static void WriteHead(Utf8JsonWriter json, CompletionRequest request, string id, long created, bool isEvent)
    {
        json.WriteString("id", id);
        json.WriteString("object", request.Shape.ObjectName(isEvent));
        json.WriteNumber("created", created);
        json.WriteString("model", request.Name);
    }

    /// <summary>Writes numbers of tokens; a prompt counts once.</summary>
    public static void WriteUsage(Utf8JsonWriter json, CompletionRequest request, IReadOnlyList<ChoiceLog> choices) =>
        Answer.Usage(json, request.Prompts.Sum(prompt => prompt.Tokens.Length), choices.Sum(choice => choice.Written));

    private static void Write(Utf8JsonWriter json, CompletionRequest request, ChoiceLog[] choices, string id, long created)
    {
        json.WriteStartObject();
        WriteHead(json, request, id, created, isEvent: false);
        json.WriteStartArray("choices");
        foreach (ChoiceLog choice in choices)
        {
            request.Shape.WriteChoice(json, choice);
        }

        json.WriteEndArray();
        WriteUsage(json, request, choices);
        WriteRouting(json, request.Template.Model, choices);
        json.WriteEndObject();
    }
}
