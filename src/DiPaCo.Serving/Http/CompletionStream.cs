using System.Text.Json;
using System.Threading.Channels;
using DiPaCo.Serving.Scheduling;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary>Sends completions as server-sent events while they are written. A reader that is slow waits for nobody but himself.</summary>
/// <param name="response">Where to.</param>
/// <param name="request">What was asked for.</param>
/// <param name="state">The server.</param>
/// <param name="choices">The sequences.</param>
internal sealed class CompletionStream(HttpResponse response, CompletionRequest request, ServingState state, IReadOnlyList<ChoiceLog> choices)
{
    private readonly string _id = Answer.NewId(request.Shape.IdKind);
    private readonly long _created = state.Now;
    private readonly int[] _sent = new int[choices.Count];

    /// <summary>Sends all events of all sequences.</summary>
    public async Task RunAsync(IReadOnlyList<GenerationHandle> handles, CancellationToken cancellationToken)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        Channel<(int Choice, GenerationEvent Happened)> all = Channel.CreateBounded<(int, GenerationEvent)>(16);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task reading = ReadAllAsync(handles, all.Writer, ended.Token);
        try
        {
            await foreach ((int choice, GenerationEvent happened) in all.Reader.ReadAllAsync(cancellationToken))
            {
                await SendAsync(choices[choice], happened, cancellationToken);
            }

            await reading;
            if (request.StreamUsage)
            {
                await SendAsync(json =>
                {
                    json.WriteStartArray("choices");
                    json.WriteEndArray();
                    CompletionEndpoint.WriteUsage(json, request, choices);
                    CompletionEndpoint.WriteRouting(json, request.Template.Model, choices);
                }, cancellationToken);
            }
        }
        catch (Exception exception) when (response.HasStarted && state.Explain(exception, response.HttpContext) is { } error)
        {
            // The status has been sent: what is left is an event that clients know as an error.
            await Answer.WriteEventAsync(response, json => Answer.Error(json, error), response.HttpContext.RequestAborted);
        }
        finally
        {
            // It would wait for room in the channel if sending has failed.
            await ended.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await response.Body.WriteAsync("data: [DONE]\n\n"u8.ToArray(), response.HttpContext.RequestAborted);
    }

    private static async Task ReadAllAsync(IReadOnlyList<GenerationHandle> handles, ChannelWriter<(int, GenerationEvent)> all, CancellationToken cancellationToken)
    {
        try
        {
            await SequenceReading.ReadAllAsync(handles, (number, happened, failed) => all.WriteAsync((number, happened), failed), cancellationToken);
        }
        catch (Exception exception)
        {
            all.TryComplete(exception);
            throw;
        }

        all.TryComplete();
    }

    private async Task SendAsync(ChoiceLog choice, GenerationEvent happened, CancellationToken cancellationToken)
    {
        string text = choice.Take(happened);
        bool last = happened is GenerationEvent.Finished;
        bool path = happened is GenerationEvent.Routed or GenerationEvent.Rerouted;
        if (happened is GenerationEvent.Routed && request.Echo && request.LogProbabilities is null)
        {
            text = choice.Prompt;
        }
        else if (happened is GenerationEvent.Prompt)
        {
            text = choice.Prompt;
        }

        if (text.Length == 0 && !last && !path && choice.TokenCount == _sent[choice.Index])
        {
            return;
        }

        int first = _sent[choice.Index];
        _sent[choice.Index] = choice.TokenCount;
        await SendAsync(
            json =>
            {
                json.WriteStartArray("choices");
                request.Shape.WritePiece(json, choice, new ChoicePiece(text, first, happened is GenerationEvent.Routed, last));
                json.WriteEndArray();
                if (path || last)
                {
                    CompletionEndpoint.WriteRouting(json, request.Template.Model, [choice]);
                }
            },
            cancellationToken);
    }

    private Task SendAsync(Action<Utf8JsonWriter> write, CancellationToken cancellationToken) => Answer.WriteEventAsync(
        response,
        json =>
        {
            json.WriteStartObject();
            CompletionEndpoint.WriteHead(json, request, _id, _created, isEvent: true);
            write(json);
            json.WriteEndObject();
        },
        cancellationToken);
}
