using DiPaCo.Core;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary>What the endpoints work with.</summary>
/// <param name="served">The model, and what computes it.</param>
/// <param name="limits">Limits of requests.</param>
/// <param name="time">The clock.</param>
/// <param name="note">Is told of failures.</param>
internal sealed class ServingState(ServedEngine served, ServingLimits limits, TimeProvider time, Action<string> note)
{
    private string? _noted;
    private int _running;
    private int _places;

    /// <summary>The model.</summary>
    public ModelSource Source => served.Source;

    /// <summary>The engine.</summary>
    public GenerationEngine Engine => served.Engine;

    /// <summary>The weights.</summary>
    public ModuleStore Store => served.Store;

    /// <summary>Limits of requests.</summary>
    public ServingLimits Limits => limits;

    /// <summary>The clock.</summary>
    public TimeProvider Time => time;

    /// <summary>Names of models.</summary>
    public ModelNames Names { get; } = new(served.Source);

    /// <summary>Seconds since 1970.</summary>
    public long Now => time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Requests that have not ended: the last byte of their answer is on its way or waits to be sent.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Requests among them that have taken one of the places.</summary>
    public int Places => Volatile.Read(ref _places);

    /// <summary>A request begins; it ends when the result is disposed of.</summary>
    public IDisposable Begin()
    {
        Interlocked.Increment(ref _running);
        return new Ending(() => Interlocked.Decrement(ref _running));
    }

    /// <summary>
    /// A request comes that has a body to read and an answer to keep until its client has fetched it: both take memory before and after its sequences stand in the
    /// line. Its place is free when the result is disposed of.
    /// </summary>
    /// <exception cref="ApiException">There are as many such requests as the engine takes sequences.</exception>
    public IDisposable TakePlace()
    {
        Ending place = new(() => Interlocked.Decrement(ref _places));
        if (Interlocked.Increment(ref _places) > Engine.MostSequences)
        {
            place.Dispose();
            throw Refusal();
        }

        return place;
    }

    /// <summary>The error for a client; null where the client has gone. What it does not say is noted, the same thing in a row once.</summary>
    public ApiException? Explain(Exception exception, HttpContext context)
    {
        ApiException? error = ApiErrors.Of(exception, context);
        if (error is not null && ApiErrors.IsOfTheServer(error))
        {
            string text = $"A request to {context.Request.Path} failed: {(exception is DiPaCoException ? exception.Message : exception)}";
            if (Interlocked.Exchange(ref _noted, text) != text)
            {
                note(text);
            }
        }

        return error;
    }

    /// <summary>Queues the sequences of a request, all of them or none.</summary>
    /// <exception cref="ApiException">There is no room for them, now or at all.</exception>
    public IReadOnlyList<GenerationHandle> Submit(IReadOnlyList<GenerationRequest> requests)
    {
        if (requests.Count > Engine.MostSequences)
        {
            throw new ApiException(
                400, $"The request has {requests.Count} sequences; this server takes at most {Engine.MostSequences} at a time (--max-sequences and --max-queue). Send several requests.",
                code: "too_many_sequences");
        }

        try
        {
            return Engine.TrySubmit([.. requests.Select(request => request with { Newest = () => Source.Current })]) ?? throw Refusal();
        }
        catch (DiPaCoException exception)
        {
            throw new ApiException(400, exception.Message, code: "context_length_exceeded");
        }
    }

    /// <summary>Only routes texts.</summary>
    public async Task<GenerationEvent.Routed[]> RouteAsync(LiveModel model, IReadOnlyList<PromptText> prompts, CancellationToken cancellationToken)
    {
        IReadOnlyList<GenerationHandle> handles = Submit(
            [.. prompts.Select(prompt => new GenerationRequest { Model = model, Prompt = prompt.Tokens, Origin = prompt.Origin, RouteOnly = true })]);
        try
        {
            GenerationEvent.Routed[] routed = new GenerationEvent.Routed[handles.Count];
            await SequenceReading.ReadAllAsync(
                handles,
                (number, happened, _) =>
                {
                    routed[number] = happened as GenerationEvent.Routed ?? routed[number];
                    return ValueTask.CompletedTask;
                },
                cancellationToken);
            return routed;
        }
        finally
        {
            foreach (GenerationHandle handle in handles)
            {
                handle.Dispose();
            }
        }
    }

    private ApiException Refusal() =>
        Engine.Failure is not null ? new ApiException(503, "The server has failed and has to be started again.", code: "server_failed")
        : Engine.IsStopping ? new ApiException(503, "The server is stopping.", code: "server_stopping")
        : new ApiException(429, "The server has as many requests as it can take. Try again in a second.", code: "rate_limit_exceeded");

    private sealed class Ending(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
