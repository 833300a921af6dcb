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

    /// <summary>A request begins; it ends when the result is disposed of.</summary>
    public IDisposable Begin()
    {
        Interlocked.Increment(ref _running);
        return new RunningRequest(this);
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

    /// <summary>Queues a sequence.</summary>
    /// <exception cref="ApiException">Too many wait.</exception>
    public GenerationHandle Submit(GenerationRequest request)
    {
        try
        {
            return Engine.TrySubmit(request with { Newest = () => Source.Current })
                ?? throw (Engine.Failure is not null ? new ApiException(503, "The server has failed and has to be started again.", code: "server_failed") : new ApiException(429, "The server has as many requests as it can take. Try again in a second.", code: "rate_limit_exceeded"));
        }
        catch (DiPaCoException exception)
        {
            throw new ApiException(400, exception.Message, code: "context_length_exceeded");
        }
    }

    /// <summary>Only routes a text.</summary>
    public async Task<GenerationEvent.Routed> RouteAsync(LiveModel model, PromptText prompt, CancellationToken cancellationToken)
    {
        using GenerationHandle handle = Submit(new GenerationRequest { Model = model, Prompt = prompt.Tokens, Origin = prompt.Origin, RouteOnly = true });
        GenerationEvent.Routed? routed = null;
        await foreach (GenerationEvent happened in handle.ReadAsync(cancellationToken))
        {
            routed = happened as GenerationEvent.Routed ?? routed;
        }

        return routed!;
    }

    private sealed class RunningRequest(ServingState state) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref state._running);
    }
}
